// A text as words, as Keras's `text_to_word_sequence` makes them.

/** What Keras leaves out of texts: punctuation but ' , tabs and line ends. */
export const defaultFilters = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

export interface WordRules {
  /** Each of these characters separates words; default: Keras's, all punctuation but the apostrophe, tabs and line ends. */
  readonly filters: string;
  /** Lower case first; default true. */
  readonly lower: boolean;
  /** Separates words; default " ". */
  readonly split: string;
}

/** The words of a text, by the rules that are given, Keras's for the others. */
export function textToWords(text: string, rules: Partial<WordRules> = {}): string[] {
  const { filters = defaultFilters, lower = true, split = " " } = rules;
  const filtered = new Set(filters);
  let plain = "";
  for (const character of lower ? text.toLowerCase() : text) plain += filtered.has(character) ? split : character;
  return plain.split(split).filter((word) => word !== "");
}
