/** The whole numbers from 0 to `end - 1`, or from `start` to `end - 1` in steps of `step`. */
export function range(end: number): number[];
export function range(start: number, end: number, step?: number): number[];
export function range(first: number, second?: number, step = 1): number[] {
  const [start, end] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((end - start) / step));
  return Array.from({ length }, (_, index) => start + index * step);
}
