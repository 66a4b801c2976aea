/** A range of addresses as /proc/PID/map_files names it: /proc/PID/maps pads addresses with zeros, map_files does not. */
export const asMapFile = (range: string) => range.replace(/(^|-)0+(?=[0-9a-f])/g, "$1");
