// Where code stands in the user's files: asked of clients, remembered, told to who looks.

import type { CodePlace, PlaceQuestion, SessionId, SourcePlace } from "@taskflock/protocol/words";
import { expect, it } from "vitest";
import { CodePlaces } from "../src/machine/code-places.ts";
import { Stage } from "./machine-stage.ts";

const place = (line: number): CodePlace => ({ code: "0123abcd", line, column: 1, name: "f" });
const source: SourcePlace = { file: "/code/a.ts", line: 7, column: 3, name: "f" };

function ask(stage: Stage, client: number, question: PlaceQuestion, id = 1): unknown {
  stage.say(client, { t: "ask", id, question });
  const [answer, ...more] = stage.told(client);
  expect([answer?.t, more]).toEqual(["answer", []]);
  return answer?.t === "answer" ? (answer.error ?? answer.value) : undefined;
}

function twoClients(): Stage {
  const stage = new Stage();
  for (const client of [1, 2]) stage.client(client);
  for (const client of [1, 2]) stage.told(client);
  return stage;
}

it("clients are asked for what is not known, and who looks finds it then", () => {
  const stage = twoClients();
  const look: PlaceQuestion = { q: "pagePlaces", places: [place(1), place(2)] };
  expect(ask(stage, 1, look)).toEqual([null, null]);
  expect(stage.told(2)).toEqual([{ t: "placesWanted", places: [place(1), place(2)] }]);
  expect(ask(stage, 2, { q: "tellPlaces", places: [{ of: place(1), at: source }] })).toBeNull();
  expect(ask(stage, 1, look, 2)).toEqual([source, null]);
  expect(stage.told(2)).toEqual([{ t: "placesWanted", places: [place(2)] }]);
  // Told once more after a cut; and of what is known, nobody is asked.
  const both = [1, 2].map((line) => ({ of: place(line), at: source }));
  expect(ask(stage, 2, { q: "tellPlaces", places: both }, 2)).toBeNull();
  expect(ask(stage, 1, look, 3)).toEqual([source, source]);
  expect(stage.told(2)).toEqual([]);
});

it("nobody is asked whose link is cut", () => {
  const stage = twoClients();
  stage.step({ e: "clientCut", session: 2 as SessionId });
  expect(ask(stage, 1, { q: "pagePlaces", places: [place(1)] })).toEqual([null]);
  expect(stage.told(2)).toEqual([]);
});

it("as many are remembered as there is room for, the last ones", () => {
  const places = new CodePlaces();
  for (let line = 0; line < 6_000; line++) places.tell(place(line), source);
  expect([places.size, places.of(place(0)), places.of(place(5_999))]).toEqual([5_000, null, source]);
  expect(places.check()).toBeNull();
});
