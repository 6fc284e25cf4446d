// A function that several programs call: the same code, so the same key means the same work.
export const sumOf = (values, n) => values.reduce((sum, value) => sum + value, n);
