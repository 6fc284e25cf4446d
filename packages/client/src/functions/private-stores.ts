// Private members of classes (#name) as compilers write them for engines without: entries of WeakMaps and WeakSets.

/** Of TypeScript, esbuild, Babel and SWC. */
const HELPER = /\b(?:__classPrivateField\w+|__private(?:Add|Get|Set|In|Method|Wrapper)|_class_?[pP]rivate\w+)/;
const CALL_BEFORE = new RegExp(`${HELPER.source}\\([^()]*$`);
const ENTRY_BEHIND = /^\.(?:add|set)\(this\b/;
/** A call's first arguments are short. */
const NEAR = 200;

/** What stands from `start` to `end` is such a store, and used as one. */
export function isPrivateAccess(text: string, start: number, end: number): boolean {
  return (
    CALL_BEFORE.test(text.slice(Math.max(0, start - NEAR), start)) || ENTRY_BEHIND.test(text.slice(end, end + NEAR))
  );
}

/** A class whose instances have such members. */
export function hasPrivateStores(source: string): boolean {
  return HELPER.test(source);
}
