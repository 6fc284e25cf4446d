// Classes as code: static and private members, getters, inheritance, symbols as keys; their instances live inside the task.
import { program } from "../program.ts";

const unitPrice = 2;
const category = "category";

class Stock {
  static readonly #limit = 3;
  static made = 0;
  static {
    Stock.made = 10;
  }
  readonly #items: string[] = [];
  readonly [category] = "stock";

  static of(...items: string[]): Stock {
    const stock = new Stock();
    for (const item of items) stock.#add(item);
    return stock;
  }
  static isStock(value: object): boolean {
    return #items in value;
  }

  constructor() {
    Stock.made++;
  }
  get price(): number {
    return this.#items.length * unitPrice;
  }
  set first(item: string) {
    this.#items[0] = item;
  }
  *[Symbol.iterator](): Generator<string, void, undefined> {
    yield* this.#items;
  }
  describe(): string {
    return `${this.#items.join("+")} for ${this.price}`;
  }
  #add(item: string): void {
    if (this.#items.length < Stock.#limit) this.#items.push(item);
  }
}

class Sale extends Stock {
  static readonly rate: number = unitPrice / 4;
  override get price(): number {
    return super.price * Sale.rate + 8;
  }
  override describe(): string {
    return `sale: ${super.describe()}`;
  }
}

const sellAll = (...items: string[]) => {
  const stock = Stock.of(...items);
  stock.first = "z";
  const sale = new Sale();
  const kinds = [sale instanceof Stock, Stock.isStock(sale), Stock.isStock({}), sale.constructor.name];
  return [[...stock], stock.describe(), sale.describe(), stock[category], Stock.made, ...kinds];
};

program(
  "classes",
  [["z", "b", "c"], "z+b+c for 6", "sale:  for 8", "stock", 12, true, true, false, "Sale"],
  async (client) => client.call(sellAll, ["a", "b", "c", "d"]),
);
