// The scores of a candidate's folds as dots on the scale of all, with a line over mean ± spread.

import type { SearchRow, SearchTable } from "../../../server/details/search-table.ts";
import { figure } from "./leader.ts";

export interface FoldScale {
  readonly low: number;
  readonly high: number;
  /** "0.9512 to 0.9911" */
  readonly text: string;
}

/** From the lowest fold of all to the highest. */
export function foldScale(table: SearchTable, scoring: number): FoldScale {
  const scores = table.rows.flatMap(({ folds }) => folds.flatMap(({ scores }) => scores[scoring] ?? []));
  if (scores.length === 0) return { low: 0, high: 1, text: "none yet" };
  scores.sort((a, b) => a - b);
  const low = scores[0] ?? 0;
  const high = scores.at(-1) ?? 1;
  return { low, high: high > low ? high : low + 1e-9, text: `${figure(low)} to ${figure(high)}` };
}

const WIDTH = 160;
const HEIGHT = 20;
const MARGIN = 5;

export function FoldDots(props: {
  readonly row: SearchRow;
  readonly scoring: number;
  readonly scale: FoldScale;
  readonly name: string;
}) {
  const { row, scoring, scale } = props;
  const x = (score: number): number => {
    const place = Math.max(0, Math.min(1, (score - scale.low) / (scale.high - scale.low)));
    return MARGIN + place * (WIDTH - 2 * MARGIN);
  };
  const mean = row.means[scoring] ?? null;
  const spread = row.spreads[scoring] ?? 0;
  const scores = row.folds.map(({ scores }) => scores[scoring] ?? null);
  const label = `Folds of ${props.name}: ${scores.map(figure).join(", ")}`;
  return (
    <svg class="fold-dots" width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <line class="rule" x1={MARGIN} x2={WIDTH - MARGIN} y1={HEIGHT / 2} y2={HEIGHT / 2} />
      {mean !== null && (
        <>
          <line class="range" x1={x(mean - spread)} x2={x(mean + spread)} y1={HEIGHT / 2} y2={HEIGHT / 2} />
          <line class="mean" x1={x(mean)} x2={x(mean)} y1={3} y2={HEIGHT - 3} />
        </>
      )}
      {scores.map((score, fold) => (score === null ? null : <circle key={fold} cx={x(score)} cy={HEIGHT / 2} r={3} />))}
    </svg>
  );
}
