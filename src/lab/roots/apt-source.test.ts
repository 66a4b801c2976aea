import { expect, test } from "vitest";
import { findAptSource } from "./apt-source.ts";

const deb822 = `# a comment
Types: deb deb-src
# an earlier mirror
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/example.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

test("the deb822 entry of the machine's own release is found", () => {
  expect(findAptSource([{ name: "debian.sources", text: deb822 }], "bookworm")).toEqual({
    uri: "http://mirror.example/debian",
    signedBy: "/usr/share/keyrings/example.gpg",
  });
});

test.each([
  ["deb http://mirror.example/debian/ bookworm main contrib # ours", undefined],
  ["deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian/ bookworm main", "/k.gpg"],
])("a line: %s", (line, signedBy) => {
  const found = findAptSource(
    [{ name: "sources.list", text: `#deb http://no bookworm main\n\n${line}\n` }],
    "bookworm",
  );
  expect(found).toEqual({ uri: "http://mirror.example/debian/", ...(signedBy ? { signedBy } : {}) });
});

test.each([
  ["another release", "deb http://mirror.example/debian trixie main"],
  ["without main", "deb http://mirror.example/debian bookworm contrib"],
  ["sources only", "deb-src http://mirror.example/debian bookworm main"],
  ["nothing", ""],
])("an entry is not used: %s", (_, text) => {
  expect(findAptSource([{ name: "sources.list", text }], "bookworm")).toBeUndefined();
});

test("a deb822 entry with Enabled: no is not used", () => {
  const text = `Enabled: no\n${deb822.replace("# a comment\n", "")}`;
  expect(findAptSource([{ name: "a.sources", text }], "bookworm")).toBeUndefined();
});

test("a key within the entry is not taken for the path of a keyring", () => {
  const text = deb822.replace(
    "/usr/share/keyrings/example.gpg",
    "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB/abc",
  );
  expect(findAptSource([{ name: "a.sources", text }], "bookworm")).toEqual({ uri: "http://mirror.example/debian" });
});
