// The flame graph: what tasks called, from the top down; wider is longer. And the functions as a table.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Empty } from "../../ui/basics.tsx";
import { colourOf, textOn } from "../../ui/colours.ts";
import { percent, seconds } from "../../ui/format.ts";
import {
  type Box,
  boxesOf,
  type FlameStep,
  type Frame,
  framesOf,
  type Profile,
  pathOf,
  placeOf,
  search,
  stepFrom,
} from "./flame-model.ts";
import { SelfTable } from "./self-table.tsx";

const ROW = 20;
/** Of the text in a box. */
const CHARACTER_PX = 6.7;
const steps: Readonly<Record<string, FlameStep>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowRight: "next",
  ArrowLeft: "previous",
};

export function Flame({ profile, search: given }: { readonly profile: Profile; readonly search: string }) {
  const frames = useMemo(() => framesOf(profile), [profile]);
  const [zoom, setZoom] = useState(0);
  const [text, setText] = useState(given);
  const found = useMemo(() => search(frames, text), [frames, text]);
  // A part that came later can have moved the frames.
  const zoomed = frames[zoom] === undefined ? 0 : zoom;
  if (frames.length === 1) return <Empty>No task ran while it was taken.</Empty>;
  return (
    <>
      <div class="tools">
        <label>
          Search
          <input
            type="search"
            placeholder="function or file"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        {text !== "" && (
          <span class="soft">{found.found.size === 0 ? "not found" : `${percent(found.share)} of the time`}</span>
        )}
        {zoomed !== 0 && (
          <button type="button" onClick={() => setZoom(0)}>
            Show all
          </button>
        )}
      </div>
      <Path frames={frames} at={zoomed} onZoom={setZoom} />
      <Graph frames={frames} zoom={zoomed} found={found.found} isSearching={text !== ""} onZoom={setZoom} />
      <SelfTable frames={frames} onShow={setZoom} />
    </>
  );
}

/** What called what, down to what fills the width. */
function Path(props: {
  readonly frames: readonly Frame[];
  readonly at: number;
  readonly onZoom: (index: number) => void;
}) {
  const path = pathOf(props.frames, props.at);
  return (
    <p class="flame-path">
      {path.map((frame) => (
        <button key={frame.index} type="button" class="link" onClick={() => props.onZoom(frame.index)}>
          {frame.name}
        </button>
      ))}
    </p>
  );
}

interface GraphProps {
  readonly frames: readonly Frame[];
  readonly zoom: number;
  readonly found: ReadonlySet<number>;
  readonly isSearching: boolean;
  readonly onZoom: (index: number) => void;
}

function Graph({ frames, zoom, found, isSearching, onZoom }: GraphProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [at, setAt] = useState(0);
  const boxes = useMemo(() => boxesOf(frames, zoom, width), [frames, zoom, width]);
  const focused = boxes.some(({ frame }) => frame.index === at) ? at : zoom;
  const focus = (index: number): void => {
    setAt(index);
    box.current?.querySelector<SVGGElement>(`[data-frame="${index}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (step !== undefined) focus(stepFrom(frames, focused, step));
    else if (event.key === "Enter" || event.key === " ") onZoom(focused);
    else if (event.key === "Escape") onZoom(0);
    else return;
    event.preventDefault();
  };
  const deepest = boxes.reduce((most, { frame }) => Math.max(most, frame.depth), 0);
  return (
    <div class="flame" ref={box} role="tree" tabIndex={-1} aria-label="Flame graph" onKeyDown={onKeyDown}>
      <svg width={width} height={(deepest + 1) * ROW} role="none">
        {boxes.map((one) => (
          <FlameBox
            key={one.frame.index}
            box={one}
            share={one.frame.width}
            isFocused={one.frame.index === focused}
            isPale={isSearching && !found.has(one.frame.index)}
            onPick={() => {
              focus(one.frame.index);
              onZoom(one.frame.index);
            }}
          />
        ))}
      </svg>
    </div>
  );
}

function FlameBox(props: {
  readonly box: Box;
  readonly share: number;
  readonly isFocused: boolean;
  readonly isPale: boolean;
  readonly onPick: () => void;
}) {
  const { box, share, isFocused, isPale, onPick } = props;
  const { frame, left, width } = box;
  const colour = frame.call === null ? "#57606a" : colourOf(frame.name);
  const place = frame.call === null ? "" : placeOf(frame.call);
  const says = `${frame.name}${place === "" ? "" : `, ${place}`}: ${percent(share)}, ${seconds(frame.totalMs / 1000)}, of it ${seconds(frame.selfMs / 1000)} in itself`;
  const room = Math.floor((width - 8) / CHARACTER_PX);
  const isNamed = room > 2 || frame.name.length <= room;
  return (
    <g
      role="treeitem"
      aria-label={says}
      aria-level={frame.depth + 1}
      tabIndex={isFocused ? 0 : -1}
      data-frame={frame.index}
      class={isPale ? "flame-box pale" : "flame-box"}
      onClick={onPick}
    >
      <title>{says}</title>
      <rect x={left} y={frame.depth * ROW} width={Math.max(0.5, width - 0.5)} height={ROW - 1} fill={colour} />
      {isNamed && (
        // Cut off where the box ends: who speaks to the page says the whole name.
        <svg x={left} y={frame.depth * ROW} width={Math.max(0, width - 4)} height={ROW} role="presentation">
          <text x={4} y={14} fill={textOn(colour)}>
            {frame.name}
          </text>
        </svg>
      )}
    </g>
  );
}

function useWidth(box: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(900);
  useEffect(() => {
    const { current } = box;
    if (current === null) return;
    const look = (): void => setWidth(Math.max(100, current.clientWidth));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return width;
}
