/** What EC2 refuses a call with. Codes and statuses as in "Error codes for the Amazon EC2 API". */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  /** An HTML page that something else answers with in EC2's place. */
  readonly page: string | undefined;

  constructor(code: string, message: string, status = 400, page?: string) {
    super(message);
    this.code = code;
    this.status = status;
    this.page = page;
  }
}

export const notFound = (kind: string, id: string): ApiError =>
  new ApiError(`Invalid${kind}.NotFound`, `The ID '${id}' does not exist`);

export const missing = (name: string): ApiError =>
  new ApiError('MissingParameter', `The request must contain the parameter ${name}`);

export const invalid = (message: string): ApiError => new ApiError('InvalidParameterValue', message);
