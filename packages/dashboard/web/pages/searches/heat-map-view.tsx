// The heat map as a table: each cell says its score, also to those who see no colours.

import { useMemo, useState } from "preact/hooks";
import type { SearchTable } from "../../../server/details/search-table.ts";
import { Section } from "../../ui/basics.tsx";
import { type HeatCell, type HeatMap, heatMap } from "./heat-map.ts";
import { figure, valueText } from "./leader.ts";

interface HeatMapProps {
  readonly table: SearchTable;
  readonly scoring: number;
  /** Places of the parameters that differ: at least two. */
  readonly varied: readonly number[];
}

export function HeatMapView({ table, scoring, varied }: HeatMapProps) {
  const [wanted, setWanted] = useState<{ readonly across: number; readonly down: number } | null>(null);
  const [fixed, setFixed] = useState<ReadonlyMap<number, string>>(new Map());
  const across = wanted !== null && varied.includes(wanted.across) ? wanted.across : (varied[0] ?? 0);
  const others = varied.filter((at) => at !== across);
  const down = wanted !== null && others.includes(wanted.down) ? wanted.down : (others[0] ?? 0);
  const free = others.filter((at) => at !== down);
  const held = useMemo(() => new Map([...fixed].filter(([at]) => at !== across && at !== down)), [fixed, across, down]);
  const map = useMemo(
    () => heatMap(table, { across, down, fixed: held, scoring }),
    [table, across, down, held, scoring],
  );
  const tools = (
    <>
      <Choice
        label="Across"
        table={table}
        places={varied}
        value={across}
        onChoose={(at) => setWanted({ across: at, down })}
      />
      <Choice
        label="Down"
        table={table}
        places={others}
        value={down}
        onChoose={(at) => setWanted({ across, down: at })}
      />
      {free.map((at) => (
        <Fix
          key={at}
          table={table}
          at={at}
          value={held.get(at) ?? ""}
          onFix={(text) =>
            setFixed(new Map(text === "" ? [...fixed].filter(([one]) => one !== at) : [...fixed, [at, text]]))
          }
        />
      ))}
    </>
  );
  const names = [table.parameters[across] ?? "", table.parameters[down] ?? ""] as const;
  return (
    <Section title={`${table.scorings[scoring] ?? "score"} by ${names.join(" and ")}`} tools={tools}>
      <HeatTable map={map} names={names} />
    </Section>
  );
}

/** `names`: of the parameters across and down. */
function HeatTable({ map, names }: { readonly map: HeatMap; readonly names: readonly [string, string] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table-box heat-map" tabIndex={0} aria-label="Heat map">
      <table>
        <thead>
          <tr>
            <th scope="col">
              {names[1]} ↓ {names[0]} →
            </th>
            {map.columns.map((column) => (
              <th key={column} scope="col" class="numeric">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {map.rows.map((row, y) => (
            <tr key={row}>
              <th scope="row">{row}</th>
              {map.columns.map((column, x) => (
                <Cell key={column} cell={map.cells[y]?.[x] ?? null} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** From the palest to the strongest, the best set apart from the good; the text stays readable on each. */
function Cell({ cell }: { readonly cell: HeatCell | null }) {
  if (cell === null) return <td class="numeric heat none">·</td>;
  const level = cell.score === null ? "none" : `level-${Math.round(cell.level ** 2 * 10)}`;
  return (
    <td class={`numeric heat ${level}`} title={cell.text}>
      {cell.score === null ? "…" : figure(cell.score)}
    </td>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly table: SearchTable;
  readonly places: readonly number[];
  readonly value: number;
  readonly onChoose: (at: number) => void;
}

function Choice({ label, table, places, value, onChoose }: ChoiceProps) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={({ currentTarget }) => onChoose(Number(currentTarget.value))}>
        {places.map((at) => (
          <option key={at} value={at}>
            {table.parameters[at]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Another parameter: the best over its values, or one of them. */
function Fix(props: {
  readonly table: SearchTable;
  readonly at: number;
  readonly value: string;
  readonly onFix: (text: string) => void;
}) {
  const { table, at, value, onFix } = props;
  const values = [...new Set(table.rows.map((row) => valueText(row.values[at] ?? null)))];
  if (values.length > 50) return null;
  return (
    <label>
      {table.parameters[at]}{" "}
      <select value={value} onChange={({ currentTarget }) => onFix(currentTarget.value)}>
        <option value="">best of all</option>
        {values.map((text) => (
          <option key={text} value={text}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
