import type { UnreadableRule } from '../rule';

/** A file that is an image and can't be opened, or that could not even be looked at. */
export const unreadable: UnreadableRule = ({ path, format, error }, { remedies }) => {
  if (format === undefined && error.code === 'not-this-format') {
    return [
      {
        code: 'no-image',
        severity: 'error',
        path,
        message: `this is no disk image that is read here: ${error.message}`,
        meaning:
          'No VM starts from it as it is. It may be a copy that was cut short or never finished, or have the wrong name.',
        certainty: 'likely',
        remedies: [],
      },
    ];
  }
  const damaged = format !== undefined && error.code !== 'unsupported' && error.code !== 'io';
  return [
    {
      code: 'unreadable',
      severity: 'error',
      path,
      message:
        format === undefined
          ? `the file can't be read: ${error.message}`
          : `this ${format} image can't be used: ${error.message}`,
      meaning: `Nothing is known of what it holds, nor of what stands on it.${error.advice === undefined ? '' : ` ${error.advice}`}`,
      certainty: 'certain',
      remedies: damaged
        ? [remedies.advice('Put back a copy of it; the data in it may still be there for who knows the format')]
        : [],
      offset: error.offset,
    },
  ];
};
