import { errorsOf } from '../base/machine-error.ts';

export const downloadErrors = {
  MM_DOWNLOAD_UNREACHABLE: {
    summary: 'The site that offers a file cannot be reached.',
    formerly: ['MM_IMAGE_UNREACHABLE'],
  },
  MM_DOWNLOAD_FAILED: {
    summary: 'A download broke off or was refused.',
    formerly: ['MM_IMAGE_DOWNLOAD'],
  },
  MM_DOWNLOAD_TOO_LARGE: { summary: 'A download is larger than the disk has room for, or than it may be.' },
  MM_DOWNLOAD_CHECKSUM: {
    summary: "A file has no checksum of its publisher's, or another one.",
    formerly: ['MM_IMAGE_CHECKSUM'],
  },
} as const;

export const downloadError = errorsOf(downloadErrors);
