import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { checkName } from "../../contract/names.ts";
import type { Authority } from "../../transport/certificates.ts";
import { examples, type Registration } from "../command.ts";

export const certificates: Registration = (program, action) => {
  program
    .command("certificates")
    .json("`{ folder: string, authorityKept: boolean, hosts: { name: string, addresses: string[] }[] }`")
    .summary("make the keys that identify agents to each other")
    .description(
      "Makes an authority, or keeps the one in DIR. For each host it makes a folder DIR/HOST with ca.pem, cert.pem and key.pem; copy these files to /etc/godwit/pki on that host. Keep authority.key secret. You need it only to add hosts.",
    )
    .argument("<dir>", "folder to write to")
    .argument("<hosts...>", "NAME=ADDRESS of each host; separate several addresses with commas")
    .addHelpText("after", examples("godwit certificates ./pki h1=10.0.0.1 h2=10.0.0.2"))
    .action(
      action(async (_context, dir: string, hosts: string[], _options: object) => {
        const wanted = hosts.map(parseHost);
        const { createAuthority, issueCertificate } = await import("../../transport/certificates.ts");
        const folder = resolve(dir);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const kept = await readAuthority(folder);
        const authority = kept ?? (await createAuthority());
        if (!kept) await writeAuthority(folder, authority);
        const lines = [`${kept ? "kept" : "made"} the authority in ${folder}`];
        for (const host of wanted) {
          const issued = await issueCertificate(authority, host);
          const own = join(folder, host.name);
          await mkdir(own, { recursive: true, mode: 0o700 });
          await writeFile(join(own, "ca.pem"), authority.certificate, { mode: 0o600 });
          await writeFile(join(own, "cert.pem"), issued.certificate, { mode: 0o600 });
          await writeFile(join(own, "key.pem"), issued.key, { mode: 0o600 });
          lines.push(`${host.name}: copy the files of ${own} to /etc/godwit/pki on that host`);
        }
        const data = { folder, authorityKept: kept !== undefined, hosts: wanted };
        return { view: "done", data: { lines, data } };
      }),
    );
};

function parseHost(text: string): { name: string; addresses: string[] } {
  const equals = text.indexOf("=");
  const addresses = text.slice(equals + 1).split(",");
  if (equals > 0 && addresses.every(Boolean)) return { name: checkName("host", text.slice(0, equals)), addresses };
  throw new GodwitError("usage", `'${text}' is not of the form HOST=ADDRESS.`, {
    hint: "For example: godwit certificates ./pki h1=10.0.0.1 h2=10.0.0.2",
  });
}

const certificateFile = (folder: string) => join(folder, "authority.pem");
const keyFile = (folder: string) => join(folder, "authority.key");

async function readAuthority(folder: string): Promise<Authority | undefined> {
  if (!existsSync(keyFile(folder))) return undefined;
  const [certificate, key] = await Promise.all([
    readFile(certificateFile(folder), "utf8"),
    readFile(keyFile(folder), "utf8"),
  ]);
  return { certificate, key };
}

async function writeAuthority(folder: string, authority: Authority): Promise<void> {
  await writeFile(certificateFile(folder), authority.certificate, { mode: 0o600 });
  await writeFile(keyFile(folder), authority.key, { mode: 0o600 });
}
