import { type Command, Option } from "commander";
import { type AttachmentOptions, bindChoices, sharedVolumeChoices, tcpChoices } from "../contract/attachments.ts";

/** What becomes of a container's volumes, bind mounts, networks and connections. */
export function addAttachmentOptions(command: Command): Command {
  const choice = (flags: string, what: string, choices: readonly string[], byDefault: string) =>
    command.addOption(new Option(flags, what).choices(choices).default(byDefault));
  choice("--bind <how>", "bind mounts: use what lies at their path there, or take a copy along", bindChoices, "share");
  choice(
    "--shared-volumes <how>",
    "volumes that other containers use as well: stay, or take a copy along",
    sharedVolumeChoices,
    "refuse",
  );
  choice(
    "--tcp <how>",
    "established connections; auto: they go on where the container keeps its address",
    tcpChoices,
    "auto",
  );
  return command.option("--create-networks", "make networks that are missing there, with the same options", false);
}

export function chosen({ bind, sharedVolumes, createNetworks, tcp }: AttachmentOptions): AttachmentOptions {
  return { bind, sharedVolumes, createNetworks, tcp };
}
