// Reads code blocks out of Markdown. CONTRIBUTING.md tells writers what the marks mean.

export interface Program {
  /** Where the block starts: `README.md:34`. */
  readonly place: string;
  readonly code: string;
  /** What it must print, when a `text output` block follows. */
  readonly output: string | undefined;
}

interface Block {
  readonly mark: string;
  readonly text: string;
  readonly line: number;
  readonly endLine: number;
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { mark: string; line: number; text: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) open?.text.push(line);
    else if (open === undefined) open = { mark: fence[1]!.trim(), line: index + 1, text: [] };
    else {
      blocks.push({ mark: open.mark, text: open.text.join("\n"), line: open.line, endLine: index + 1 });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the code block of line ${open.line} is not closed`);
  return blocks;
}

/** The programs of a page: its `ts` blocks, each whole and alone; those marked `ts no-run` are fragments. */
export function programsIn(path: string, markdown: string): Program[] {
  const blocks = blocksOf(markdown);
  const lines = markdown.split("\n");
  const marks = new Set(["ts", "ts no-run"]);
  const strange = blocks.find(({ mark }) => /^(ts|typescript)\b/.test(mark) && !marks.has(mark));
  if (strange !== undefined)
    throw new Error(`${path}:${strange.line}: "${strange.mark}" is neither "ts" nor "ts no-run"`);
  return blocks.flatMap((block, index) => {
    if (block.mark !== "ts") return [];
    const next = blocks[index + 1];
    const between =
      next === undefined
        ? ""
        : lines
            .slice(block.endLine, next.line - 1)
            .join("")
            .trim();
    const output = next?.mark === "text output" && between === "" ? next.text : undefined;
    return [{ place: `${path}:${block.line}`, code: `${block.text}\n`, output }];
  });
}

/** Whether a program printed what its page says. `…` stands for anything within a line; alone on a line, for any lines. */
export function printsAsSaid(said: string, printed: string): boolean {
  const trim = (text: string): string => text.replace(/[ \t]+$/gm, "").trim();
  const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const lines = trim(said).split("\n");
  const patterns = lines.map((line) => (line === "…" ? "(?:.*\n)*?" : `${line.split("…").map(literal).join(".*")}\n`));
  return new RegExp(`^${patterns.join("")}$`).test(`${trim(printed)}\n`);
}

/** Links of a page to files of the repository, without their anchors. */
export function fileLinksIn(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```/gms, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!.replace(/#.*$/, ""));
  return targets.filter((target) => target !== "" && !/^[a-z]+:/.test(target));
}
