// Places in code, as questions and messages name them.

import { MAX_CODE_PLACES } from "../words/index.ts";
import { type Field, int, list, record, text } from "./fields.ts";
import { name } from "./terms.ts";

const count = int(0, 1e9);
const codePlace = record({ code: text(8), line: count, column: count, name });
const sourcePlace = record({ file: text(1024), line: count, column: count, name });

export const codePlaces: Field = list(codePlace, MAX_CODE_PLACES);
export const toldPlaces: Field = list(record({ of: codePlace, at: sourcePlace }), MAX_CODE_PLACES);
