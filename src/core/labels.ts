/** Labels of an object. A key with an empty value does not exist: storing one deletes the key. */
export type Labels = Readonly<Record<string, string>>;
