// A line without axes, for a tile or a row.

/** The last values, the oldest first; null where nothing is known. */
export function Sparkline(props: { readonly values: readonly (number | null)[]; readonly label: string }) {
  const { values, label } = props;
  return (
    <svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={sparkPath(values)} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** From 0 at the bottom to the largest at the top. */
export function sparkPath(values: readonly (number | null)[]): string {
  const largest = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  let isDown = false;
  const parts = values.map((value, index) => {
    if (value === null) {
      isDown = false;
      return "";
    }
    const point = `${isDown ? "L" : "M"}${(index * step).toFixed(1)} ${(23 - (value / largest) * 22).toFixed(1)}`;
    isDown = true;
    return point;
  });
  return parts.filter((part) => part !== "").join("");
}
