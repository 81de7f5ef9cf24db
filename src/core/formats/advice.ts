/** What is said of more than one format. */
export const CUT_SHORT = 'The file was cut short: copy it anew from where it came.';
