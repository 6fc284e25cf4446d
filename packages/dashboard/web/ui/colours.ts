// One colour per function, the same in every view: by a hash of its name, so that it is nearly always the same in every session and
// report, too. A name whose colour would look like that of one seen before gets another.

/**
 * 24 hues of three lightnesses. Each stands out by at least 3 : 1 from the page's background in both schemes, so that there is one
 * palette for both.
 */
export const palette: readonly string[] = [
  ...["#af355c", "#ce5057", "#c0482a", "#a44c06", "#b46d10", "#976b03", "#7c6705", "#868604"],
  ...["#628202", "#297d0f", "#0f9958", "#04896a", "#087970", "#0d9298", "#138297", "#0e7397"],
  ...["#0486d3", "#3771d1", "#515bc3", "#816bd8", "#8b57be", "#9043a1", "#b855a6", "#b54481"],
];

const known = new Map<string, string>();
const taken = new Set<number>();

/** Of a function, or of anything else with a name. */
export function colourOf(name: string): string {
  let colour = known.get(name);
  if (colour === undefined) {
    if (known.size > 10_000) known.clear();
    const place = placeFor(hash(name) % palette.length);
    taken.add(place);
    colour = palette[place]!;
    known.set(name, colour);
  }
  return colour;
}

/** No neighbour of one that is taken; when there is none, none that is taken; when there is none, the first choice. */
function placeFor(first: number): number {
  const size = palette.length;
  const places = Array.from({ length: size }, (_, k) => (first + 7 * k) % size);
  const isFree = (place: number): boolean => !taken.has((place + size) % size);
  const apart = places.find((place) => isFree(place - 1) && isFree(place) && isFree(place + 1));
  return apart ?? places.find(isFree) ?? first;
}

/** FNV-1a, its upper and lower half folded together. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return ((value >>> 16) ^ value) & 0xffff;
}

/** Relative luminance of "#rrggbb" (WCAG). */
function luminance(colour: string): number {
  const channel = (from: number): number => {
    const value = Number.parseInt(colour.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** Contrast of two colours, 1 to 21 (WCAG). */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** White or near black: what can be read best on a colour. */
export function textOn(colour: string): string {
  return contrast(colour, "#ffffff") >= 4.2 ? "#ffffff" : "#10141a";
}
