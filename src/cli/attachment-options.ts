import { type Command, Option } from "commander";
import { type AttachmentOptions, bindChoices, sharedVolumeChoices, tcpChoices } from "../contract/attachments.ts";

/** Options for a container's volumes, bind mounts, networks and connections. */
export function addAttachmentOptions(command: Command): Command {
  const choice = (flags: string, what: string, choices: readonly string[], byDefault: string) =>
    command.addOption(new Option(flags, what).choices(choices).default(byDefault));
  choice(
    "--bind <how>",
    "bind mounts: use what is at their path on the destination, or copy them there",
    bindChoices,
    "share",
  );
  choice(
    "--shared-volumes <how>",
    "volumes that other containers use too: refuse the move, or copy them",
    sharedVolumeChoices,
    "refuse",
  );
  choice(
    "--tcp <how>",
    "established connections: keep or close them; auto keeps them where the container keeps its address",
    tcpChoices,
    "auto",
  );
  return command.option(
    "--create-networks",
    "create networks that the destination lacks, with the same options",
    false,
  );
}

export function chosen({ bind, sharedVolumes, createNetworks, tcp }: AttachmentOptions): AttachmentOptions {
  return { bind, sharedVolumes, createNetworks, tcp };
}
