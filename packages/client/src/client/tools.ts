// The part of a client for work that coordinates: shared objects, actors, plugins.

import { ClientData } from "./data.ts";

/** Users hold a `Client`, which has more. */
export class ClientTools extends ClientData {}
