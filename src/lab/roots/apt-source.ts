/** The mirror that a Debian machine gets its packages from. Roots are built from the same one. */
export interface AptSource {
  uri: string;
  /** Path of the keyring with the mirror's keys, if the entry names one. */
  signedBy?: string;
}

/**
 * Finds the entry that serves `codename` with component main.
 * `files` are the texts of *.list files (one-line format) and *.sources files (deb822). The end of `name` tells the format.
 */
export function findAptSource(files: { name: string; text: string }[], codename: string): AptSource | undefined {
  for (const { name, text } of files) {
    const entries = name.endsWith(".sources") ? deb822(text) : oneLine(text);
    const entry = entries.find((e) => e.suites.includes(codename) && e.components.includes("main"));
    if (entry) return entry.signedBy ? { uri: entry.uri, signedBy: entry.signedBy } : { uri: entry.uri };
  }
  return undefined;
}

interface Entry {
  uri: string;
  suites: string[];
  components: string[];
  signedBy: string | undefined;
}

function deb822(text: string): Entry[] {
  const stanzas = text
    .replace(/^#.*\n?/gm, "")
    .split(/\n\s*\n/)
    .map(fields);
  return stanzas
    .filter((f) => words(f.get("types")).includes("deb") && f.get("enabled")?.trim().toLowerCase() !== "no")
    .flatMap((f) =>
      words(f.get("uris"))
        .slice(0, 1)
        .map((uri) => ({
          uri,
          suites: words(f.get("suites")),
          components: words(f.get("components")),
          signedBy: keyring(f.get("signed-by")),
        })),
    );
}

function fields(stanza: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of stanza.matchAll(/^([A-Za-z0-9-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
    found.set((match[1] ?? "").toLowerCase(), match[2] ?? "");
  }
  return found;
}

function oneLine(text: string): Entry[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) return [];
    const signedBy = words(match[1]).find((option) => option.startsWith("signed-by="));
    return [
      {
        uri: match[2] ?? "",
        suites: [match[3] ?? ""],
        components: words(match[4]),
        signedBy: keyring(signedBy?.slice("signed-by=".length)),
      },
    ];
  });
}

// A Signed-By field may also hold the key itself or a fingerprint. Only a path is used.
const keyring = (value: string | undefined) => words(value?.split(",").join(" ")).find((word) => word.startsWith("/"));

const words = (text: string | undefined): string[] => text?.split(/\s+/).filter((word) => word !== "") ?? [];
