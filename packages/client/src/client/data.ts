// The part of a client that names, copies and moves data on the cluster.

import { ClientWatch } from "./watch.ts";

/** Users hold a `Client`, which has more. */
export class ClientData extends ClientWatch {}
