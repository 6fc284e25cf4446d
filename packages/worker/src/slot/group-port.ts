// How code of tasks reaches other tasks of its group: through the worker's main thread. The slot leaves the way under a symbol that all
// copies of the client's package agree on.
import type { FromMember, ToMember } from "@taskflock/protocol/words";
import type { SlotToMain } from "./protocol.ts";

/** What the client's package finds (packages/client/src/groups/member-port.ts). */
interface GroupProvider {
  /** Enters with an id of its own; `hear` is told what the main thread says to it, until it has left. */
  open(member: string, hear: (say: ToMember) => void): (say: FromMember) => void;
}

const PROVIDER = Symbol.for("taskflock.taskGroups");
const shared: typeof globalThis & { [PROVIDER]?: GroupProvider } = globalThis;

export class GroupPort {
  readonly #members: Map<string, (say: ToMember) => void> = new Map();

  constructor(post: (message: SlotToMain, transfer: ArrayBuffer[]) => void) {
    shared[PROVIDER] = {
      open: (member, hear) => {
        this.#members.set(member, hear);
        return (say) => {
          if (say.k === "leave") this.#members.delete(member);
          const own = say.k === "part" && say.bytes.buffer instanceof ArrayBuffer ? [say.bytes.buffer] : [];
          post({ t: "group", say }, own);
        };
      },
    };
  }

  /** The main thread says something to a member. */
  told(say: ToMember): void {
    this.#members.get(say.member)?.(say);
  }
}
