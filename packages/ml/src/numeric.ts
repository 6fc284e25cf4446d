// Sums in NumPy's order, because scores must equal scikit-learn's to the last bit, not only nearly.

const BLOCK = 128;

/** The sum of `length` values from `start`, added pairwise in NumPy's order: eight running sums in blocks of up to 128. */
export function pairwiseSum(values: ArrayLike<number>, start = 0, length: number = values.length): number {
  if (length < 8) {
    let sum = 0;
    for (let i = start; i < start + length; i++) sum += values[i] as number;
    return sum;
  }
  if (length > BLOCK) {
    const half = Math.floor(length / 2);
    const left = half - (half % 8);
    return pairwiseSum(values, start, left) + pairwiseSum(values, start + left, length - left);
  }
  return blockSum(values, start, length);
}

function blockSum(values: ArrayLike<number>, start: number, length: number): number {
  const running = new Float64Array(8);
  for (let k = 0; k < 8; k++) running[k] = values[start + k] as number;
  const whole = length - (length % 8);
  for (let i = 8; i < whole; i++) running[i % 8] = (running[i % 8] as number) + (values[start + i] as number);
  const [a, b, c, d, e, f, g, h] = running as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  let sum = a + b + (c + d) + (e + f + (g + h));
  for (let i = whole; i < length; i++) sum += values[start + i] as number;
  return sum;
}

/** The arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  return pairwiseSum(values) / values.length;
}

/** The population variance (divided by n), as NumPy's `var`. */
export function variance(values: ArrayLike<number>): number {
  const center = mean(values);
  const squares = new Float64Array(values.length);
  for (let i = 0; i < squares.length; i++) {
    const difference = (values[i] as number) - center;
    squares[i] = difference * difference;
  }
  return mean(squares);
}

/** The population standard deviation, as NumPy's `std`. */
export function standardDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(variance(values));
}
