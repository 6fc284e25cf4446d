// Fields that many messages have: numbers, names and texts, with the limits of the wire.

import { TASK_GENERATIONS, TASK_SLOTS } from "../words/index.ts";
import { amounts, choice, type Field, type IntField, int, type TextField, text } from "./fields.ts";

export const MAX: number = Number.MAX_SAFE_INTEGER;
/** Longest lists of references in one message: dependencies of a task, keys of a snapshot. */
export const MAX_ELEMENTS = 1_000_000;

export const positive: IntField = int(1, MAX);
export const natural: IntField = int(0, MAX);
export const bytes: IntField = int(0, 2 ** 47);
export const millis: IntField = int(0, 2 ** 40);
export const taskId: IntField = int(0, TASK_SLOTS * TASK_GENERATIONS);
export const name: TextField = text(1024);
/** A key that was derived from a name. */
export const key: TextField = text(4096);
export const hash: TextField = text(128);
export const line: TextField = text(65_536);
export const resources: Field = amounts(int(0, 1e12), 64);
export const stream: Field = choice("stdout", "stderr");
