// Functions of modules as loaders and compilers make them: ES modules, CommonJS, scripts of a REPL.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { createContext, runInContext, runInThisContext } from "node:vm";
import { importFrom } from "@taskflock/protocol";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyFunction } from "../src/function-table.ts";
import { PackageFolder } from "./package-folder.ts";
import { callThere, sameThere } from "./same-there.ts";

const folder = new PackageFolder();
afterAll(() => folder.remove());

type Files = Readonly<Record<string, string>>;

/** The exports of `main.mjs` or `main.cjs`. */
async function load(files: Files): Promise<Readonly<Record<string, AnyFunction>>> {
  const name = randomUUID();
  folder.write(Object.fromEntries(Object.entries(files).map(([file, text]) => [`${name}/${file}`, text])));
  const at = folder.path(name);
  const found = "main.mjs" in files ? await importFrom(at, "./main.mjs") : createRequire(`${at}/x.cjs`)("./main.cjs");
  return found as Readonly<Record<string, AnyFunction>>;
}

async function expectSame(files: Files, ...args: unknown[]): Promise<void> {
  await sameThere((await load(files))["fn"]!, ...args);
}

describe("ES modules", () => {
  const counting = `export let n = 1; export function up() { return ++n; } export { n as m }; export default up;`;

  it.each<[string, Files]>([
    [
      "imports of own files, by name, default, namespace, renamed",
      {
        "a.mjs":
          "export const k = 2; export default function twice(x) { return x * k; } export const helper = (x) => x + k;",
        "b.mjs": "export const k = 3; export const helper = (x) => x - k;",
        "main.mjs": `import twice, { k, helper as plus } from "./a.mjs"; import * as b from "./b.mjs"; import { helper } from "./b.mjs";
          export const fn = () => [twice(k), plus(1), helper(1), b.helper(2), b.k, Object.keys(b)];`,
      },
    ],
    [
      "exports that change, by every way to them",
      {
        "a.mjs": counting,
        "re.mjs": `export * from "./a.mjs"; export { n as total } from "./a.mjs"; import { n } from "./a.mjs"; export { n as again };
          export * as inner from "./a.mjs";`,
        "main.mjs": `import { n, m as renamed, up } from "./a.mjs"; import * as ns from "./re.mjs"; import { total, again, inner } from "./re.mjs";
          const dynamic = await import("./a.mjs"); const all = () => [n, renamed, ns.n, ns.total, ns.again, total, again, inner.m, dynamic.n];
          export const fn = () => [all(), up(), all()];`,
      },
    ],
    [
      "modules that import each other",
      {
        "a.mjs": `import { odd } from "./main.mjs"; export const even = (n) => n === 0 || odd(n - 1);`,
        "main.mjs": `import { even } from "./a.mjs"; export const odd = (n) => n !== 0 && even(n - 1); export const fn = () => [even(4), odd(4)];`,
      },
    ],
    [
      "a namespace that is passed on",
      {
        "a.mjs": `export const k = 2; export const f = () => k; export class A { v = k; }`,
        "main.mjs": `import * as a from "./a.mjs"; const use = (ns) => [ns.k, ns.f(), new ns.A().v, Object.keys(ns)]; export const fn = () => use(a);`,
      },
    ],
    [
      "default exports without a name",
      {
        "a.mjs": "export default () => 4;",
        "main.mjs": `import f from "./a.mjs"; export const fn = () => [f(), f.name];`,
      },
    ],
    [
      "variables of blocks at the top",
      {
        "main.mjs":
          "let made; { const k = 5; let n = 0; made = () => [k, n++]; } export const fn = () => [made(), made()];",
      },
    ],
    ["top-level await", { "main.mjs": "const k = await Promise.resolve(3); export const fn = () => k;" }],
    [
      "dynamic imports of builtins",
      {
        "main.mjs": `export const fn = async () => [(await import("node:path")).sep, typeof (await import("os")).cpus];`,
      },
    ],
  ])("%s", (_, files) => expectSame(files));

  it("export what may have changed since the last use", async () => {
    const { fn, up } = await load({
      "a.mjs": `${counting} export const fixed = 5; let other = "a"; export { other as default2 };`,
      "main.mjs": `import { n, fixed, default2 } from "./a.mjs"; export { up } from "./a.mjs"; export const fn = () => [n, fixed, default2];`,
    });
    await sameThere(fn!);
    up!();
    await sameThere(fn!);
  });

  it("export what a function among the arguments changes", async () => {
    const { fn, ns, up } = await load({
      "a.mjs": counting,
      "main.mjs": `import { n } from "./a.mjs"; import * as a from "./a.mjs"; export { up } from "./a.mjs";
        export const fn = (change) => [n, change(), n]; export const ns = (change) => [a.n, change(), a.m];`,
    });
    expect(await callThere(fn!, up)).toEqual([1, 2, 2]);
    expect(await callThere(ns!, up)).toEqual([1, 2, 2]);
  });

  it("of one file that was loaded twice are two", async () => {
    const name = randomUUID();
    folder.write({ [`${name}/main.mjs`]: "let n = 0; export const up = () => ++n;" });
    const [one, two] = [
      await importFrom(folder.path(name), "./main.mjs?a"),
      await importFrom(folder.path(name), "./main.mjs?b"),
    ];
    const [first, second] = [one["up"] as () => number, two["up"] as () => number];
    await sameThere(() => [first(), first(), second()]);
  });
});

describe("CommonJS", () => {
  it.each<[string, Files]>([
    [
      "require of own files, whole, in parts, of a member",
      {
        "a.cjs": "const k = 2; exports.k = k; exports.twice = (x) => x * k; exports.deep = { inner: () => k };",
        "b.cjs": "module.exports = class B { v = 5; };",
        "c.cjs": "module.exports = (x) => x + 1;",
        "main.cjs": `const a = require("./a.cjs"); const { twice, deep: { inner } } = require("./a.cjs"); const B = require("./b.cjs"); const plus = require("./c.cjs");
          const { k } = a; const direct = require("./a.cjs").twice; exports.fn = () => [a.twice(1), twice(2), inner(), k, new B().v, plus(1), direct(3), twice === a.twice];`,
      },
    ],
    [
      "require inside the function, and of builtins",
      {
        "main.cjs": `const { sep } = require("path"); const os = require("node:os"); exports.fn = () => [sep, os.EOL, require("node:path").basename("/a/b")];`,
      },
    ],
    [
      "members of exports, and functions that call each other by them",
      {
        "main.cjs":
          "exports.k = 2; exports.even = (n) => n === 0 || exports.odd(n - 1); exports.odd = (n) => n !== 0 && exports.even(n - 1); exports.fn = () => [exports.even(4), exports.k];",
      },
    ],
    [
      "exports that change, as TypeScript compiles them, and over a file that exports them again",
      {
        "a.cjs": `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.n = void 0; exports.up = up; exports.n = 1; function up() { exports.n += 1; return exports.n; }`,
        "index.cjs": `"use strict"; var __createBinding = (this && this.__createBinding) || (Object.create ? (function(o, m, k, k2) { if (k2 === undefined) k2 = k;
            var desc = Object.getOwnPropertyDescriptor(m, k); if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
            desc = { enumerable: true, get: function() { return m[k]; } }; } Object.defineProperty(o, k2, desc); }) : null);
          var __exportStar = function(m, exports) { for (var p in m) if (p !== "default" && !Object.prototype.hasOwnProperty.call(exports, p)) __createBinding(exports, m, p); };
          Object.defineProperty(exports, "__esModule", { value: true }); exports.total = void 0; __exportStar(require("./a.cjs"), exports);
          var a_1 = require("./a.cjs"); Object.defineProperty(exports, "total", { enumerable: true, get: function () { return a_1.n; } });`,
        "main.cjs": `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.fn = void 0; const a_1 = require("./a.cjs"); const index_1 = require("./index.cjs");
          const fn = () => [a_1.n, index_1.n, index_1.total, (0, a_1.up)(), a_1.n, index_1.n, index_1.total]; exports.fn = fn;`,
      },
    ],
    [
      "exports that change, as esbuild compiles them",
      {
        "a.cjs": `var __defProp = Object.defineProperty; var __export = (target, all) => { for (var name in all) __defProp(target, name, { get: all[name], enumerable: true }); };
          var a_exports = {}; __export(a_exports, { n: () => n, up: () => up }); module.exports = __defProp(a_exports, "__esModule", { value: true });
          let n = 1; function up() { n++; return n; }`,
        "main.cjs": `var import_a = require("./a.cjs"); exports.fn = () => [import_a.n, (0, import_a.up)(), import_a.n];`,
      },
    ],
  ])("%s", (_, files) => expectSame(files));

  it.each<[string, string, string]>([
    [
      "TypeScript",
      `var __importDefault = (this && this.__importDefault) || function (mod) { return (mod && mod.__esModule) ? mod : { "default": mod }; };
       var __importStar = (this && this.__importStar) || function (mod) { if (mod && mod.__esModule) return mod; var result = {};
         if (mod != null) for (var k in mod) if (k !== "default") result[k] = mod[k]; result["default"] = mod; return result; };
       const node_path_1 = __importDefault(require("node:path")); const os = __importStar(require("node:os"));`,
      "[node_path_1.default.sep, os.EOL, os.default.EOL]",
    ],
    [
      "esbuild",
      `var __create = Object.create; var __defProp = Object.defineProperty; var __getProtoOf = Object.getPrototypeOf; var __hasOwnProp = Object.prototype.hasOwnProperty;
       var __copyProps = (to, from) => { for (let key of Object.getOwnPropertyNames(from)) if (!__hasOwnProp.call(to, key)) __defProp(to, key, { get: () => from[key], enumerable: true }); return to; };
       var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target, mod));
       var node_path_1 = __toESM(require("node:path")); var os = __toESM(require("node:os"), 1);`,
      "[node_path_1.default.sep, node_path_1.sep, os.EOL, os.default.EOL]",
    ],
    [
      "Babel",
      `function _interopRequireDefault(e) { return e && e.__esModule ? e : { default: e }; } var _path = _interopRequireDefault(require("node:path"));`,
      "[_path.default.sep, (0, _path.default.basename)('/a/b')]",
    ],
  ])("imports of builtins as %s compiles them", (_, head, value) =>
    expectSame({ "main.cjs": `"use strict"; ${head} exports.fn = () => ${value};` }),
  );
});

describe("what compilers write into functions", () => {
  it.each<[string, string, string]>([
    [
      "TypeScript's helpers: async functions, rest, spread",
      `var __awaiter = (this && this.__awaiter) || function (thisArg, _arguments, P, generator) {
         function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
         return new (P || (P = Promise))(function (resolve, reject) {
           function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
           function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
           function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
           step((generator = generator.apply(thisArg, _arguments || [])).next()); }); };
       var __rest = (this && this.__rest) || function (s, e) { var t = {}; for (var p in s) if (Object.prototype.hasOwnProperty.call(s, p) && e.indexOf(p) < 0) t[p] = s[p]; return t; };
       var __spreadArray = (this && this.__spreadArray) || function (to, from) { return to.concat(Array.prototype.slice.call(from)); };`,
      `() => __awaiter(void 0, void 0, void 0, function* () { var _a = { a: 1, b: 2 }, { a } = _a, rest = __rest(_a, ["a"]); return __spreadArray([a, yield 3], [rest]); })`,
    ],
    [
      "tslib, as a file of one's own",
      `var tslib_1 = { __rest: function (s, e) { var t = {}; for (var p in s) if (e.indexOf(p) < 0) t[p] = s[p]; return t; } };`,
      `() => tslib_1.__rest({ a: 1, b: 2 }, ["a"])`,
    ],
    [
      "esbuild's and tsx's names",
      `var __defProp = Object.defineProperty; var __name = (target, value) => __defProp(target, "name", { value, configurable: true });
       const named = __name(() => 1, "given"); const later = /* @__PURE__ */ __name(function () { const inner = __name(() => 2, "inner"); return inner.name; }, "later");`,
      "() => [named(), named.name, later()]",
    ],
    [
      "enums and namespaces",
      `var Level; (function (Level) { Level[Level["Low"] = 0] = "Low"; Level["Text"] = "t"; })(Level || (Level = {}));
       var Tools; (function (Tools) { Tools.k = 3; function twice(x) { return x * Tools.k; } Tools.twice = twice; })(Tools || (Tools = {}));`,
      "() => [Level.Low, Level[0], Level.Text, Tools.twice(2), Tools.k]",
    ],
    [
      "parameter properties and private names for old engines",
      `var _A_secret, __classPrivateFieldGet = function (receiver, state, kind, f) { return kind === "m" ? f : kind === "a" ? f.call(receiver) : f ? f.value : state.get(receiver); };
       class A { constructor(x) { this.x = x; _A_secret.set(this, 5); } get() { return [this.x, __classPrivateFieldGet(this, _A_secret, "f")]; } } _A_secret = new Map();`,
      "() => new A(1).get()",
    ],
    [
      "optional chaining for old engines",
      "const options = { deep: { k: 1 } };",
      "() => { var _a, _b; return [(_a = options === null || options === void 0 ? void 0 : options.deep) === null || _a === void 0 ? void 0 : _a.k, (_b = options.no) !== null && _b !== void 0 ? _b : 2]; }",
    ],
  ])("%s", (_, head, fn) => expectSame({ "main.cjs": `${head}\nexports.fn = ${fn};` }));
});

describe("scripts that share their top level, as in a REPL", () => {
  it("see each other's variables, and change them", async () => {
    runInThisContext(
      "let count__m = 1; const list__m = [1]; class Own__m { static n = 1; } var loose__m = 2; function up__m() { return ++count__m; }",
    );
    runInThisContext("const later__m = () => [up__m(), count__m, loose__m++, loose__m, Own__m.n, list__m.length];");
    const fn = runInThisContext("() => [later__m(), count__m]") as AnyFunction;
    expect(await callThere(fn)).toEqual([[2, 2, 2, 3, 1, 1], 2]);
    runInThisContext("count__m = 10; loose__m = 5; list__m.push(2); up__m = () => count__m--; Own__m.n = 7;");
    await sameThere(fn);
  });

  it("share them with functions among the arguments", async () => {
    runInThisContext("let turns__m = 1; const turn__m = () => ++turns__m;");
    const fn = runInThisContext("(turn) => [turn(), turns__m, ++turns__m, turn()]") as AnyFunction;
    await sameThere(fn, runInThisContext("turn__m"));
  });

  it("may have a realm of their own", async () => {
    const context = createContext();
    runInContext(
      "let n = 1; const up = () => ++n; const data = { list: [1, [2]], map: new Map([['k', { v: 1 }]]), when: new Date(3) }; class A { v = 4; } class B extends Array {} const a = new A(); const { max } = Math; const lib = { values: [].values, Map };",
      context,
    );
    const fn = runInContext(
      "() => [up(), n, max(1, 2), lib.values === Array.prototype.values, lib.Map === Map, data.list.flat(), data.map.get('k').v, data.when.getTime(), a.v, a instanceof A, new B(3).length, typeof Error, Array.isArray(data.list)]",
      context,
    ) as AnyFunction;
    await sameThere(fn);
  });

  it("may declare what every worker has by another meaning", async () => {
    const context = createContext();
    runInContext(
      "const fetch = (x) => 'mine ' + x; function Buffer() { return 'own'; } var structuredClone = 3;",
      context,
    );
    await sameThere(runInContext("() => [fetch(1), structuredClone, Buffer(), isNaN(NaN)]", context) as AnyFunction);
  });
});
