// Instances of the user's classes: captured, shared, inherited, with functions of their own, and as arguments.
import { program } from "../program.ts";

class Account {
  readonly owner: string;
  balance: number;
  constructor(owner: string, balance: number) {
    this.owner = owner;
    this.balance = balance;
  }
  deposit(amount: number): this {
    this.balance += amount;
    return this;
  }
  get isRich(): boolean {
    return this.balance > 100;
  }
  readonly withdraw = (amount: number): this => this.deposit(-amount);
}
class SavingsAccount extends Account {
  readonly history: number[] = [];
  override deposit(amount: number): this {
    this.history.push(amount);
    return super.deposit(amount * 2);
  }
}

const ada = new Account("ada", 90);
const bob = new SavingsAccount("bob", 5);
const accounts = new Map([ada, bob].map((account) => [account.owner, account]));

const payAda = (amount: number) => {
  const found = accounts.get("ada");
  ada.deposit(amount);
  return [found === ada, ada instanceof Account, ada instanceof SavingsAccount, found?.balance, ada.isRich];
};
const payGiven = (account: SavingsAccount, amount: number) => {
  account.deposit(amount).deposit(1);
  return [account instanceof SavingsAccount, account.balance, [...account.history], account.owner];
};
const bothPay = (accounts: readonly Account[], amount: number) =>
  accounts.map((account) => [account instanceof Account, account.withdraw(amount) === account, account.balance]);

program(
  "instances",
  [
    [true, true, false, 110, true],
    [true, true, false, 90, false],
    [true, 17, [5, 1], "bob"],
    [
      [true, true, 80],
      [true, true, -15],
    ],
    [90, 5, 0],
  ],
  async (client) => {
    const results = await client.gather([
      client.submit(payAda, [20]),
      client.submit(payAda, [0]),
      client.submit(payGiven, [bob, 5]),
      client.submit(bothPay, [[ada, bob], 10]),
    ]);
    return [...results, [ada.balance, bob.balance, bob.history.length]];
  },
);
