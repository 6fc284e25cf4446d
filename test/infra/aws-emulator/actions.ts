// The shape of a service: a table from the name of an action to what it does.
import type { Ask, Values } from "./protocol.ts";
import type { World } from "./world.ts";

/** May throw AwsError. What it gives is written in the service's protocol. */
export type Action = (ask: Ask, world: World) => Values | Promise<Values>;

export type Actions = Readonly<Record<string, Action>>;
