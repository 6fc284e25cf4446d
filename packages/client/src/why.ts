// What the scheduler knows of one task, asked by its future, or by its key, of whichever client it is.

import { FlockError, type StoryLine, type Why } from "@taskflock/protocol/words";
import { type Future, isFuture, isReleased, ownerOf, recordOf } from "./future.ts";
import { describe } from "./option-checks.ts";
import type { Session } from "./session.ts";

/** A key may be longer than the name that it was made of. */
const MAX_KEY = 4096;

export function askWhy(session: Session, of: Future<unknown> | string): Promise<Why> {
  const { n, key } = taskNamed(session, "why", of);
  return session.questions.ask(n === null ? { q: "whyKey", key } : { q: "why", n });
}

export function askStory(session: Session, of: Future<unknown> | string): Promise<readonly StoryLine[]> {
  const { n, key } = taskNamed(session, "story", of);
  return session.questions.ask(n === null ? { q: "storyOfKey", key } : { q: "story", n });
}

/** A future that was released has no number any more, but others may need its task. */
function taskNamed(
  session: Session,
  where: string,
  of: unknown,
): { n: ReturnType<typeof recordOf>["n"] | null; key: string } {
  if (isFuture(of) && ownerOf(of) === session) return { n: isReleased(of) ? null : recordOf(of).n, key: of.key };
  if (typeof of === "string" && of !== "" && of.length <= MAX_KEY) return { n: null, key: of };
  const given = isFuture(of) ? "a future of another client" : describe(of);
  throw new FlockError(
    "FLOCK_ARGUMENT_INVALID",
    `${where} takes a future of this client, or a task's key, not ${given}.`,
  );
}
