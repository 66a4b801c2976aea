import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail, warn } from "../finding.ts";

const remedy = "run the program without it, or wait until it is closed";

export const openFiles: Check<ContainerOnHost> = {
  key: "open-files",
  audiences: everyDump,
  run: ({ container: { unsupported } }) => {
    if (unsupported.length === 0) return [];
    const what = `the container has ${unsupported.join(", ")} open, which CRIU cannot dump`;
    return [fail("unsupported-container", what, remedy)];
  },
};

/** CRIU can dump such a file, but not restore it: every action that may restore the dump is refused. */
export const unrestorable: Check<ContainerOnHost> = {
  key: "restore",
  audiences: everyDump.filter((audience) => audience !== "keep"),
  run: ({ container: { unrestorable } }) =>
    unrestorable.length === 0 ? [] : [fail("unsupported-container", cannotRestore(unrestorable), remedy)],
};

/** A checkpoint that nothing restores at once is taken, with a warning. */
export const unrestorableKept: Check<ContainerOnHost> = {
  key: "restore",
  audiences: ["keep"],
  run: ({ container: { unrestorable } }) =>
    unrestorable.length === 0
      ? []
      : [warn(`the checkpoint cannot be restored: ${cannotRestore(unrestorable)}`, remedy)],
};

const cannotRestore = (files: string[]) => `the container has ${files.join(", ")} open, which CRIU cannot restore`;
