// Where posts come from: the generator, or the article's Parquet files where you have them.
import { readParquet, type TagIndex, tagIndex, trimToMultiple } from "taskflock";
import { makeCorpus, type Post } from "./corpus.ts";

/** Texts as words, and what they are about. */
export interface Posts {
  readonly texts: readonly (string | readonly string[])[];
  readonly tags: readonly (readonly string[])[];
  readonly index: TagIndex;
}

export interface Made {
  readonly posts: number;
  readonly tags: number;
  readonly words: number;
  readonly seed: number;
}

export function madePosts(how: Made): Posts {
  const posts: Post[] = makeCorpus(how);
  const tags = posts.map((post) => post.tags);
  return { texts: posts.map((post) => post.text), tags, index: tagIndex(tags) };
}

/**
 * `Questions.Stratified.Final.2000.parquet`, in a folder or "s3://…": a column `_Body` of words, and one of 0 and 1 for each tag. As the
 * article does, it keeps a multiple of the batch size times the length; `atMost` rows.
 */
export async function savedPosts(source: string, multiple: number, atMost?: number): Promise<Posts> {
  const table = readParquet<Record<string, unknown>>(source, atMost === undefined ? {} : { limit: atMost });
  const [texts, tags]: [string[][], string[][]] = [[], []];
  for await (const columns of table) {
    const { _Body: bodies = [], ...labels } = columns as { _Body?: string[][] } & Record<string, unknown[]>;
    const names = Object.keys(labels);
    for (const [row, body] of bodies.entries()) {
      texts.push(body);
      tags.push(names.filter((name) => Number(labels[name]?.[row]) === 1));
    }
  }
  const rows = trimToMultiple(texts.length, multiple);
  return { texts: texts.slice(0, rows), tags: tags.slice(0, rows), index: tagIndex(tags) };
}
