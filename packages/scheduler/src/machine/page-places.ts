// Where places in code that travelled stand in the user's files. Clients are asked for what is not known; nobody waits for them.

import { type CodePlace, MAX_CODE_PLACES, type PlaceQuestion } from "@taskflock/protocol/words";
import { answer } from "./answers.ts";
import type { Core } from "./core.ts";
import type { Handlers } from "./questions.ts";
import type { Session } from "./records.ts";

export const placeHandlers: Handlers<PlaceQuestion["q"]> = {
  pagePlaces: (core, session, id, { places }) => {
    const wanted = places.filter((place) => core.places.of(place) === null).slice(0, MAX_CODE_PLACES);
    if (wanted.length > 0) askClients(core, session, wanted);
    answer(core, session, id, () => ({ value: places.map((place) => core.places.of(place)), error: null }));
  },
  tellPlaces: (core, session, id, { places }) => {
    for (const { of, at } of places) core.places.tell(of, at);
    answer(core, session, id, () => ({ value: null, error: null }));
  },
};

function askClients(core: Core, asking: Session, places: readonly CodePlace[]): void {
  for (const session of core.sessions.values()) {
    if (session === asking || session.isObserver || !core.canTell(session)) continue;
    core.tell(session, { t: "placesWanted", places });
  }
}
