/** Version of the package; agents of other versions are refused while the protocol is young. */
export const version = "0.1.0";

/** Version of the protocol between agents; raised by every change that an older agent would misread. */
export const protocol = 8;

/** All routes of an agent begin with this. */
export const apiPrefix = "/v1";
