// The layer rule of docs/design.md: imports go down only. A room may import itself and the rooms below it.
const rooms = [
  "cli",
  "agent",
  "lab",
  "migration",
  "checkpoint",
  "checks",
  "memory",
  "transport",
  "operations",
  "journal",
  "host",
  "view",
  "contract",
];
/** The rooms of src/host: what lies beside them (host.ts, facts.ts) is above all of them. */
const hostRooms = ["restore", "container", "criu", "engine", "files", "network", "cgroup", "runtime", "proc"];
const importsDown = (folder, names) =>
  names.map((name, i) => ({
    name: `${folder}/${name}-imports-down-only`,
    severity: "error",
    from: { path: `^${folder}/${name}/` },
    to: { path: `^${folder}/(${names.slice(0, i).join("|") || "none"})/` },
  }));

module.exports = {
  forbidden: [
    ...importsDown("src", rooms),
    ...importsDown("src/host", hostRooms),
    {
      name: "host-rooms-do-not-look-up",
      severity: "error",
      from: { path: "^src/host/[^/]+/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/host/(?!paths)[^/]+\\.ts$" },
    },
    {
      name: "the-host-makes-the-engine",
      comment: "Everything else knows the container engine by the interface in src/host/engine/engine.ts.",
      severity: "error",
      from: { path: "^(src|testing|test|scripts|bench)/", pathNot: "^src/host/(host\\.ts$|engine/docker/)" },
      to: { path: "^src/host/engine/docker/" },
    },
    {
      name: "view-knows-the-contract-alone",
      comment: "The page uses it as it is.",
      severity: "error",
      from: { path: "^src/view/" },
      to: { path: "^src/(?!view/|contract/)" },
    },
    {
      name: "checks-know-the-contract-alone",
      comment: "They weigh facts that others have read.",
      severity: "error",
      from: { path: "^src/checks/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/(?!checks/|contract/)" },
    },
    {
      name: "doubles-are-for-tests",
      severity: "error",
      from: { path: "^(src|scripts|bench)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^testing/" },
    },
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
