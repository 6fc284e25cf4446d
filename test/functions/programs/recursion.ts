// Functions that call themselves, each other, and functions of functions.
import { program } from "../program.ts";

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
const alias = factorial;

function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function isEven(n: number): boolean {
  return n === 0 || isOdd(n - 1);
}
function isOdd(n: number): boolean {
  return n !== 0 && isEven(n - 1);
}

interface TreeNode {
  readonly value: number;
  readonly children: readonly TreeNode[];
}
const deepest = function measure({ children }: TreeNode): number {
  return 1 + Math.max(0, ...children.map(measure));
};
const treeSum = (node: TreeNode) => {
  const visit = ({ value, children }: TreeNode): number => children.reduce((sum, child) => sum + visit(child), value);
  return visit(node) * factorial(3) + fibonacci(5);
};

const treeOfThree = { value: 1, children: [{ value: 2, children: [{ value: 3, children: [] }] }] };

program("recursion", [120, 120, 55, true, false, 3, 41], async (client) =>
  client.gather([
    client.submit(factorial, [5]),
    client.submit((n: number) => alias(n), [5]),
    client.submit(fibonacci, [10]),
    client.submit(isEven, [10]),
    client.submit(isOdd, [10]),
    client.submit(deepest, [treeOfThree]),
    client.submit(treeSum, [treeOfThree]),
  ]),
);
