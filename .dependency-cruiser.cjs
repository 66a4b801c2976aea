// The layer rule of docs/design.md: imports go down only. A layer may import itself and the layers below it.
const layers = ["cli", "agent", "lab", "migration", "checkpoint", "transport", "journal", "host", "contract"];

module.exports = {
  forbidden: [
    ...layers.map((layer, i) => ({
      name: `${layer}-imports-down-only`,
      severity: "error",
      from: { path: `^src/${layer}/` },
      to: { path: `^src/(${layers.slice(0, i).join("|") || "none"})/` },
    })),
    {
      name: "contract-has-no-node",
      comment: "The contract crosses process boundaries and is used by the page as it is.",
      severity: "error",
      from: { path: "^src/contract/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "lab-is-beside-the-agent",
      comment: "The lab starts agents as processes; only the certificates are made with code of a lower layer.",
      severity: "error",
      from: { path: "^src/lab/" },
      to: { path: "^src/(migration|checkpoint)/" },
    },
    {
      name: "bench-is-beside-the-product",
      severity: "error",
      from: { path: "^(src|scripts)/" },
      to: { path: "^bench/" },
    },
    {
      name: "bench-reports-only-what-it-is-given",
      severity: "error",
      from: { path: "^bench/report/" },
      to: { path: "^(bench/measure/|src/(?!contract/))" },
    },
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    // Packages that are ES modules only name their files under these conditions.
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "types", "default"],
    },
  },
};
