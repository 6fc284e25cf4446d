// The build of a report's page: one file that asks nothing of any network. `scripts/bundle.mjs` writes it to `dist/report-template.html`.
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import page from "./vite.config.ts";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A report has other views than the live page. */
const ownViews: Plugin = {
  name: "own-views",
  enforce: "pre",
  resolveId(source, importer) {
    if (importer === undefined || !source.startsWith(".")) return null;
    const found = resolve(importer, "..", source);
    return found === path("web/pages/index.ts") ? path("web/report/pages.ts") : null;
  },
};

type Output = Record<string, { fileName: string; code?: string; source?: string | Uint8Array }>;

/** Puts script and style into the document; its Content-Security-Policy lets this script run and no other, and nothing be loaded. */
const oneFile: Plugin = {
  name: "one-file",
  enforce: "post",
  generateBundle(_options, bundle) {
    const output = bundle as unknown as Output;
    const files = Object.values(output);
    const script = files.find(({ fileName }) => fileName.endsWith(".js"))?.code;
    const style = files.filter(({ fileName }) => fileName.endsWith(".css")).map(({ source }) => String(source));
    const document = files.find(({ fileName }) => fileName.endsWith(".html"));
    if (script === undefined || document === undefined) throw new Error("the report's build is not whole");
    if (files.filter(({ fileName }) => fileName.endsWith(".js")).length > 1) throw new Error("more than one script");
    document.source = inlined(String(document.source), script, style.join("\n"));
    for (const { fileName } of files) if (fileName !== document.fileName) delete output[fileName];
  },
};

function inlined(html: string, script: string, style: string): string {
  // What would end the element, or begin a comment in it, is written otherwise: in scripts it stands in texts only.
  const code = `\n${script.replace(/<(?=\/script|!--)/gi, "\\x3c")}\n`;
  const hash = createHash("sha256").update(code).digest("base64");
  const policy = [
    ...["default-src 'none'", `script-src 'sha256-${hash}'`, "style-src 'unsafe-inline'", "img-src data: blob:"],
    ...["worker-src blob:", "base-uri 'none'", "form-action 'none'"],
  ].join("; ");
  const head = `<meta http-equiv="Content-Security-Policy" content="${policy}" />`;
  const bare = html.replace(/\s*<script type="module"[^>]*><\/script>/, "").replace(/\s*<link rel="[^>]*>/g, "");
  const parts = bare.split("</head>");
  // Before all else, so that it holds for all else.
  const opened = parts[0]!.replace("<head>", () => `<head>\n    ${head}`);
  const styled = `${opened}<style>\n${style}\n</style>\n  </head>${parts[1]!}`;
  return styled.replace("</body>", () => `<script type="module">${code}</script>\n  </body>`);
}

export default defineConfig({
  ...page,
  base: "./",
  plugins: [ownViews, oneFile],
  build: {
    ...page.build,
    cssCodeSplit: false,
    assetsInlineLimit: Number.POSITIVE_INFINITY,
    rolldownOptions: { input: path("web/report.html"), output: { codeSplitting: false } },
  },
});
