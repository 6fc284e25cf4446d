export const roundPi = 3;
export const sides = { square: 4 };
export const notUsed: never[] = [];
