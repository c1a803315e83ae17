// Bundles what build.py names: node build.mjs '<json {outdir, content}>'. Prints esbuild's list of outputs as JSON.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";
import esbuild from "esbuild";
import { PurgeCSS } from "purgecss";

const here = path.dirname(fileURLToPath(import.meta.url));
const { outdir, content } = JSON.parse(process.argv[2]);

// Plugins write their own templates against Tabler, which this build cannot see: its layout and utilities always stay.
const standard = [
  /^(container|row|col|g|gx|gy|order|offset)(-|$)/, /^(d|m|mt|mb|ms|me|mx|my|p|pt|pb|ps|pe|px|py|gap|w|h|flex|justify|align|text|fw|lh|order|overflow|position|rounded|border|float)-/,
  /^(btn|card|badge|alert|form|input|table|list-group|nav|progress|spinner)(-(group|text|label|check|control|select|body|header|title|footer|responsive|sm|lg|item|link|bar|border))?$/,
  /^(visually-hidden|hr|lead|small|truncate|text-truncate)/,
];

const purgeTabler = {
  name: "purge-tabler",
  setup(build) {
    build.onLoad({ filter: /tabler\.min\.css$/ }, async ({ path: file }) => {
      const raw = await readFile(file, "utf8");
      const [purged] = await new PurgeCSS().purge({
        content, css: [{ raw }], safelist: { standard, deep: [], greedy: [] }, variables: false, keyframes: true,
        defaultExtractor: (text) => text.match(/[\w-]+/g) ?? [],
      });
      return { contents: purged.css, loader: "css" };
    });
  },
};

const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: { app: "src/js/app.js", drag: "src/js/drag.js", "app-style": "src/css/app.css", landing: "src/css/landing.css" },
  outdir, bundle: true, minify: true, format: "esm", legalComments: "none", metafile: true, plugins: [purgeTabler],
  entryNames: "[name]-[hash]", target: ["chrome123", "firefox128", "safari17.5"], logLevel: "warning",
});
console.log(JSON.stringify(Object.fromEntries(Object.entries(result.metafile.outputs).filter(([, made]) => made.entryPoint).map(([file, made]) => [made.entryPoint, path.basename(file)]))));
