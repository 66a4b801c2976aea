import { GodwitError } from "../contract/errors.ts";

interface Target {
  name: string;
  address: string;
}

/** A failed connection to an agent as an error for a user. A GodwitError and an abort's reason stay as they are. */
export function connectionError(target: Target, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof GodwitError) return error;
  const { name, address } = target;
  const code = codeOf(error);
  const words = error instanceof Error ? error.message : String(error);
  if (/^HPE_/.test(code) || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "EPROTO") {
    return new GodwitError("incompatible-agent", `What listens on ${address} is not the agent of ${name}.`, {
      hint: `Look at the address of ${name} in the agent's configuration.`,
      details: [words],
      cause: error,
    });
  }
  if (isTrust(code)) {
    return new GodwitError("untrusted-peer", `The agents here and on ${name} (${address}) do not trust each other.`, {
      hint: `Give both hosts certificates of one authority with 'godwit certificates'; that of ${name} must carry its name.`,
      details: [words],
      cause: error,
    });
  }
  return new GodwitError(
    "agent-unreachable",
    `The agent of ${name} (${address}) does not answer: ${reason(code, words)}.`,
    {
      hint: `Start it on ${name} with 'systemctl start godwit-agent' or 'godwit agent', and look at the network between the hosts.`,
      cause: error,
    },
  );
}

/** The same for a connection that broke after the answer had begun. */
export function streamError(target: Target, error: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted && signal.reason instanceof Error) return signal.reason;
  if (error instanceof GodwitError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new GodwitError("transfer-failed", `The connection to the agent of ${target.name} broke: ${words}.`, {
    hint: "Look at the network between the hosts, then try again.",
    cause: error,
  });
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  EHOSTUNREACH: "there is no route to that address",
  ENETUNREACH: "there is no route to that address",
  ETIMEDOUT: "no answer came in time",
  ENOTFOUND: "the address is not known",
  EAI_AGAIN: "the address is not known",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
};

const reason = (code: string, words: string) => reasons[code] ?? words;

function isTrust(code: string): boolean {
  return /^ERR_SSL_.*(ALERT|CERT)|^ERR_TLS_CERT|CERT_|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code);
}

function codeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ("code" in one && typeof one.code === "string") return one.code;
  }
  return "";
}
