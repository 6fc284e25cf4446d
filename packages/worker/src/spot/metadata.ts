// A client of the instance metadata service, version 2: each question carries a token, which is asked for first.

const TOKEN_SECONDS = 21_600;
/** A token is replaced when so much of its time is over. */
const TOKEN_SHARE = 0.9;
/** The service is in the same host: it answers soon, or not at all. */
const TIMEOUT_MS = 1_000;
/** Its answers are short; something else is not from it. */
const MAX_CHARS = 4_096;

export interface MetadataParts {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  now(): number;
}

export class InstanceMetadata {
  readonly #parts: MetadataParts;
  #token: { readonly text: string; readonly until: number } | null = null;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
  }

  /** What is at a path below /latest/meta-data/; null: nothing, yet. Rejects when the service does not answer, or refuses. */
  async get(path: string): Promise<string | null> {
    for (let again = true; ; again = false) {
      const response = await this.#ask(`meta-data/${path}`, "GET", {
        "x-aws-ec2-metadata-token": await this.#tokenText(),
      });
      if (response.status === 200) return textOf(response);
      await response.body?.cancel();
      if (response.status === 404) return null;
      if (response.status !== 401 || !again) throw refused(path, response.status);
      this.#token = null; // the service was started anew, or the instance was
    }
  }

  async #tokenText(): Promise<string> {
    const now = this.#parts.now();
    if (this.#token !== null && now < this.#token.until) return this.#token.text;
    const headers = { "x-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_SECONDS) };
    const response = await this.#ask("api/token", "PUT", headers);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw refused("token", response.status);
    }
    this.#token = { text: await textOf(response), until: now + TOKEN_SECONDS * TOKEN_SHARE * 1_000 };
    return this.#token.text;
  }

  #ask(path: string, method: string, headers: Record<string, string>): Promise<Response> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const { baseUrl, fetch } = this.#parts;
    return fetch(`${baseUrl}/latest/${path}`, { method, headers, signal, redirect: "error" });
  }
}

async function textOf(response: Response): Promise<string> {
  if (Number(response.headers.get("content-length") ?? 0) > MAX_CHARS) {
    await response.body?.cancel();
    throw new Error("the answer is too long to be one of an instance metadata service");
  }
  return (await response.text()).slice(0, MAX_CHARS).trim();
}

function refused(what: string, status: number): Error {
  return new Error(`the instance metadata service answered ${status} to a request for ${what}`);
}
