// Posts with tags that have the statistics of Stack Overflow's: some 200 words each, words and tags with long tails, tags that depend on
// words and on the phrases they stand in. The real posts cannot be shipped; `data.ts` reads them where you have them.

/** A question: its text, and what it is about. */
export interface Post {
  readonly text: string;
  readonly tags: readonly string[];
}

export interface CorpusOptions {
  readonly posts: number;
  /** At most 50. */
  readonly tags: number;
  /** Words in a post, on average. */
  readonly words?: number;
  readonly seed: number;
}

/** The most frequent first, as they were there. */
const TAGS =
  `javascript java python c# php android html jquery c++ css ios mysql sql r node.js arrays c asp.net json ruby-on-rails .net sql-server
  swift python-3.x objective-c django angular excel regex pandas linux ruby iphone xml ajax vba spring typescript database wordpress
  laravel string wpf mongodb windows xcode postgresql bash oracle git`.split(/\s+/);

const COMMON =
  `the to i a is in it and this that of my for on with how have but not be can get when code error am using from as or are do so what
  want if an value use there trying need data file at like function you will just one new then no way any work user method works return
  set class me all by example add tried list all out here string call object type page only help name id does has was same table`.split(
    /\s+/,
  );

const SYLLABLES =
  "ba co de fi gra hu in ja ke lo mi nu or pre qui ra so te un ver wi xa ye zo pla tri con dat ser que".split(" ");
/** Words that nobody has to learn, words of single tags, and words whose phrases make the difference. */
const [RARE, OF_A_TAG, IN_PHRASES] = [6000, 12, 30] as const;

/** mulberry32: numbers in [0, 1) of a seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A rank in [0, n), the first ones far more often (Zipf's law with the exponent 1). */
const zipf = (n: number, random: () => number): number => Math.min(n - 1, Math.floor((n + 1) ** random()) - 1);

const madeWord = (n: number): string => {
  let word = "";
  for (let left = n + SYLLABLES.length; left > 0; left = Math.floor(left / SYLLABLES.length)) {
    word += SYLLABLES[left % SYLLABLES.length];
  }
  return word;
};

interface Language {
  readonly tags: readonly string[];
  readonly rare: readonly string[];
  /** By tag. */
  readonly words: readonly (readonly string[])[];
  readonly phrases: readonly (readonly string[])[];
}

/** The words of a phrase stand in other tags' phrases, too: alone they say little. */
function makeLanguage(tags: readonly string[], random: () => number): Language {
  const rare = Array.from({ length: RARE }, (_, n) => madeWord(n));
  const made = (from: number, count: number): string[] => Array.from({ length: count }, (_, n) => madeWord(from + n));
  const inPhrases = made(RARE, IN_PHRASES);
  const one = (): string => inPhrases[Math.floor(random() * IN_PHRASES)] as string;
  return {
    tags,
    rare,
    words: tags.map((_, tag) => made(RARE + IN_PHRASES + tag * OF_A_TAG, OF_A_TAG)),
    phrases: tags.map(() => [one(), one(), one()]),
  };
}

function makePost(language: Language, words: number, random: () => number): Post {
  const about = new Set<number>();
  for (let count = 1 + zipf(5, random); about.size < Math.min(count, language.tags.length); ) {
    about.add(zipf(language.tags.length, random));
  }
  const tags = [...about];
  const text: string[] = [];
  const length = Math.max(10, Math.round(words * (0.4 + 1.2 * random())));
  while (text.length < length) {
    const tag = tags[Math.floor(random() * tags.length)] as number;
    const draw = random();
    if (draw < 0.05) text.push(...(language.phrases[tag] as readonly string[]));
    else if (draw < 0.054) text.push((language.words[tag] as readonly string[])[zipf(OF_A_TAG, random)] as string);
    else if (draw < 0.12) text.push(...otherPhrase(language, random));
    else if (draw < 0.3) text.push(language.rare[zipf(RARE, random)] as string);
    else text.push(COMMON[zipf(COMMON.length, random)] as string);
  }
  return { text: text.join(" "), tags: tags.map((tag) => language.tags[tag] as string) };
}

/** The words of some tag's phrase in another order, which means nothing. */
function otherPhrase({ phrases }: Language, random: () => number): string[] {
  const [a, b, c] = phrases[Math.floor(random() * phrases.length)] as readonly [string, string, string];
  return [c, a, b];
}

/** The same posts for the same options. */
export function makeCorpus({ posts, tags, words = 200, seed }: CorpusOptions): Post[] {
  const random = randomNumbers(seed);
  const language = makeLanguage(TAGS.slice(0, tags), random);
  return Array.from({ length: posts }, () => makePost(language, words, random));
}
