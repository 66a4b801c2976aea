import { createHash } from "node:crypto";
import type { AptSource } from "./roots/apt-source.ts";

export const releases = ["trixie", "forky"] as const;
/** The Debian release of a host: trixie has Docker 26, forky has Docker 28. Both get the CRIU of forky. */
export type Release = (typeof releases)[number];

/** What a root is made of: everything in it decides what comes out, and so it is hashed into the root's name. */
export interface Recipe {
  name: string;
  release: Release | "bookworm";
  /** `extract` unpacks packages and what they depend on, and sets nothing up. */
  variant: "minbase" | "essential" | "extract";
  packages: string[];
  /** Paths, with wildcards, that are left out of the packages. */
  without: string[];
  /** Packages that come from another, newer release, with the libraries they need from there. */
  newer: { release: Release; packages: string[] } | undefined;
}

const hostPackages = [
  ...["docker.io", "docker-cli", "docker-compose", "containerd", "runc", "criu"],
  ...["iproute2", "nftables", "iptables", "procps", "util-linux", "tini"],
  ...["rsync", "tar", "perl-base", "busybox-static"],
];

/**
 * The root of a host, with more packages where they are named. Trixie's own CRIU (4.1) cannot dump a TCP socket on kernels from
 * 6.16 on, and a host must speak the same page-server protocol as its peer, so trixie takes CRIU and the libraries it needs from
 * forky.
 */
export function hostRecipe(release: Release, more: readonly string[] = []): Recipe {
  const criu = { release: "forky" as const, packages: ["criu", "libcompel1", "libnet9", "libnl-3-200"] };
  const newer = release === "trixie" ? criu : undefined;
  const name = [...more, release].join("-");
  return { name, release, variant: "minbase", packages: [...hostPackages, ...more], without: [], newer };
}

/** The root of a host that is a virtual machine: it loads its own kernel's modules and security profiles, and is reached over ssh. */
export function vmRecipe(release: Release): Recipe {
  const recipe = hostRecipe(release);
  return { ...recipe, name: `vm-${release}`, packages: [...recipe.packages, "kmod", "openssh-server", "apparmor"] };
}

/** The kernel of virtual machines: it has dirty tracking (CONFIG_MEM_SOFT_DIRTY), which many kernels lack. */
export const kernelRecipe: Recipe = {
  name: "kernel",
  release: "bookworm",
  variant: "extract",
  packages: ["linux-image-cloud-amd64"],
  without: [],
  newer: undefined,
};

/** The root of the test image in which a C program can be compiled. */
export const gccRecipe: Recipe = {
  name: "gcc",
  release: "trixie",
  variant: "essential",
  packages: ["gcc", "libc6-dev", "procps", "busybox-static"],
  // Link-time optimisation and the sanitizers are half of the compiler.
  without: ["/usr/libexec/gcc/*/lto1", "/usr/bin/*-lto-dump-*", "/usr/lib/*san.*"],
  newer: undefined,
};

/** The root of the test image with servers and interpreters that people run in containers. */
export const appsRecipe: Recipe = {
  name: "apps",
  release: "trixie",
  variant: "essential",
  packages: [
    ...["redis-server", "redis-tools", "nginx-light", "postgresql", "python3", "nodejs"],
    ...["procps", "iproute2", "busybox-static"],
  ],
  without: ["/usr/include/*"],
  newer: undefined,
};

/** Name of the folder or file made from a recipe; another recipe has another name. */
export function recipeKey(recipe: Recipe): string {
  const text = JSON.stringify([recipe, fixedArguments]);
  return `${recipe.name}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
}

// Release files of a release in the making expire quickly, and mirrors lag. Nothing here is worth an fsync:
// a root counts only once it is complete.
const fixedArguments = [
  "--mode=root",
  '--aptopt=Acquire::Check-Valid-Until "false"',
  '--aptopt=Acquire::Languages "none"',
  "--dpkgopt=force-unsafe-io",
  ...["doc", "man", "locale", "info"].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
];

/**
 * The arguments of mmdebstrap. `acquire` are apt's own settings of the machine (proxies and the like), a line each
 * as `apt-config dump` prints them: mmdebstrap does not read the machine's configuration.
 */
export function mmdebstrapArguments(
  recipe: Recipe,
  source: AptSource,
  acquire: string[],
  target: string,
  format: "directory" | "tar",
): string[] {
  const keyring = source.signedBy ?? "/usr/share/keyrings/debian-archive-keyring.gpg";
  const line = (release: string) => `deb [signed-by=${keyring}] ${source.uri} ${release} main`;
  const pin = recipe.newer && [
    "Package: *",
    `Pin: release n=${recipe.newer.release}`,
    "Pin-Priority: 100",
    "",
    `Package: ${recipe.newer.packages.join(" ")}`,
    `Pin: release n=${recipe.newer.release}`,
    "Pin-Priority: 990",
  ];
  return [
    `--variant=${recipe.variant}`,
    `--format=${format}`,
    ...fixedArguments,
    ...recipe.without.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...acquire.map((setting) => `--aptopt=${setting}`),
    ...(pin ? [`--setup-hook=printf '%s\\n' '${pin.join("' '")}' > "$1/etc/apt/preferences.d/newer"`] : []),
    `--include=${recipe.packages.join(",")}`,
    recipe.release,
    target,
    line(recipe.release),
    ...(recipe.newer ? [line(recipe.newer.release)] : []),
  ];
}
