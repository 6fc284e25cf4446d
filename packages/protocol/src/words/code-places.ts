// Where code that travelled stands in the user's files: only the client that sent it knows. It is asked when somebody looks at a stack or a
// profile, by way of the scheduler, which remembers what it is told.

/** Places that one message names. */
export const MAX_CODE_PLACES = 500;

/** As stacks and profiles of workers have it; line and column from 1. */
export interface CodePlace {
  /** The first eight digits of the function's hash. */
  readonly code: string;
  readonly line: number;
  readonly column: number;
  /** Of the function there, in the code that travelled; or "". */
  readonly name: string;
}

/** In a file of the user's, line and column from 1. `file` "": nobody wrote what stands there. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** As the user named the function. */
  readonly name: string;
}

export type PlaceQuestion =
  /** What is known of places. Clients are asked for the others: ask again soon. */
  | { readonly q: "pagePlaces"; readonly places: readonly CodePlace[] }
  /** A client's answer to `placesWanted`. */
  | { readonly q: "tellPlaces"; readonly places: readonly { readonly of: CodePlace; readonly at: SourcePlace }[] };

export interface PlaceAnswers {
  readonly pagePlaces: readonly (SourcePlace | null)[];
  readonly tellPlaces: null;
}

/** To clients: who has sent code with these hashes answers with `tellPlaces`. */
export interface PlacesWanted {
  readonly t: "placesWanted";
  readonly places: readonly CodePlace[];
}
