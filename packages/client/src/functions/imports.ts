// What a function imports: builtins, installed packages, and the user's own files.

export interface ImportDescription {
  readonly specifier: string;
  readonly kind: "import" | "require";
  readonly when: "load" | "call";
  readonly package: { readonly name: string; readonly version: string; readonly hash: string } | null;
  readonly from: string;
  readonly bundle: string | null;
  readonly reason: string | null;
}

export interface ImportRequest {
  readonly specifier: string;
  readonly kind: "import" | "require";
  readonly when: "load" | "call";
  /** The file of the module that imports; undefined for code of no file, which imports from the current folder. */
  readonly fromFile: string | undefined;
  /** Files whose modules must not run on a worker: the submitted function's, and the program's main file. */
  readonly ownFiles: ReadonlySet<string>;
  /** `installed`: packages are on the workers. `bundle`: they may not be, and travel along where they can. */
  readonly mode: "bundle" | "installed";
}

/**
 * Throws or rejects with `FLOCK_FUNCTION_NOT_SERIALIZABLE` for what is not found, and for the user's own files that cannot
 * travel.
 */
export function describeImport(request: ImportRequest): ImportDescription | Promise<ImportDescription> {
  throw new Error(`not yet: ${request.specifier}`);
}
