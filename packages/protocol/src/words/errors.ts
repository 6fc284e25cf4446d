// Long: one table of all codes.
// The one registry of coded errors. A code is never reused; `docs/errors.md` is generated from this table.
// Long: one table, read entry by entry.

export interface ErrorEntry {
  /** What happened, in one line for the documentation. */
  readonly summary: string;
  /** What the person who meets it can do. */
  readonly advice: string;
}

export const errorRegistry = {
  FLOCK_CONNECTION_REFUSED: {
    summary: "No scheduler answers at the address.",
    advice: "Start one with `taskflock scheduler`, and check host and port (8786 is the scheduler, 8787 its page).",
  },
  FLOCK_NOT_A_SCHEDULER: {
    summary: "Something answers at the address, but it is not a Taskflock scheduler's port.",
    advice: "Use the scheduler's port (8786 by default), not the status page's (8787).",
  },
  FLOCK_ADDRESS_INVALID: {
    summary: "The address cannot be understood.",
    advice: "Write it as host:port, ws://host:port or wss://host:port.",
  },
  FLOCK_UNAUTHORIZED: {
    summary: "The token is missing or wrong.",
    advice:
      "`taskflock token` prints where the scheduler left its token; pass it by --token-file or TASKFLOCK_TOKEN_FILE.",
  },
  FLOCK_CONTEXT_UNKNOWN: {
    summary: "There is no connection context of this name.",
    advice: "`taskflock context list` says which there are.",
  },
  FLOCK_CONTEXT_INVALID: {
    summary: "A connection context's name or file cannot be used.",
    advice: "Remove it by `taskflock context remove NAME`, and save it anew.",
  },
  FLOCK_FORBIDDEN: { summary: "The token's role does not allow this.", advice: "Use a token of a role that may." },
  FLOCK_TRY_LATER: {
    summary:
      "So many wrong tokens came from an address, or so many passwords or connections are to be checked at once, that no further one is looked at for now; or a password could not be checked.",
    advice: "Check the name and the password, and try again after a minute. The scheduler's log may say more.",
  },
  FLOCK_USERS_INVALID: {
    summary: "The users file cannot be read or written, or is not what `taskflock user` writes.",
    advice:
      "Make it, and change it, by `taskflock user add`, `role`, `password` and `remove` only; keep its mode 0600.",
  },
  FLOCK_USER_UNKNOWN: {
    summary: "There is no user of this name in the users file.",
    advice: "`taskflock user list` names those who are there.",
  },
  FLOCK_REQUEST_REFUSED: {
    summary:
      "The dashboard refused a request that names another host, comes from a page of another site, or changes something without saying where it comes from.",
    advice:
      "Use the address that the scheduler prints; behind a proxy, name it with --dashboard-allowed-hosts. Scripts show the token: `Authorization: Bearer TOKEN`.",
  },
  FLOCK_REPORT_UNKNOWN: {
    summary: "There is no report that collects under this id: it was fetched already, or nobody fetched it for long.",
    advice: "Start one: POST /api/v1/reports, or `client.report`. A report is fetched once.",
  },
  FLOCK_REPORTS_FULL: {
    summary: "So many reports are being collected that another would take too much memory.",
    advice: "Fetch those that are, or wait until they are forgotten.",
  },
  FLOCK_NO_DASHBOARD: {
    summary: "The cluster has no status page, or its address is not known, so there is nobody who could make a report.",
    advice: "Start the scheduler with its page, or start one: `taskflock dashboard`; then name it with `dashboard`.",
  },
  FLOCK_DASHBOARD_UNREACHABLE: {
    summary: "The status page did not answer, or refused.",
    advice: "See the message; name the address under which this machine reaches the page with `dashboard`.",
  },
  FLOCK_REPORT_NOT_WRITTEN: {
    summary: "A report was made, and its file could not be written.",
    advice: "Give a path in a folder that exists and that may be written to.",
  },
  FLOCK_PATH_UNKNOWN: {
    summary: "The dashboard serves nothing at the path.",
    advice: "/api/v1/docs lists the HTTP API; the page is at /status.",
  },
  FLOCK_VERSION_MISMATCH: {
    summary: "The two ends speak different versions of the protocol.",
    advice: "Install the same version of taskflock on both.",
  },
  FLOCK_PROTOCOL: {
    summary: "A message was malformed; its connection was closed.",
    advice: "Both ends must be Taskflock of the same version; if they are, please report this.",
  },
  FLOCK_FRAME_TOO_LARGE: {
    summary: "A frame is larger than the limit.",
    advice: "Raise --max-frame-bytes on both ends.",
  },
  FLOCK_CONNECTION_LOST: {
    summary: "The link to the scheduler was lost and did not come back in time.",
    advice: "Check that the scheduler runs; raise `reconnectMs` for slow networks.",
  },
  FLOCK_SESSION_LOST: {
    summary: "The scheduler no longer knows this session, so its futures cannot resolve.",
    advice: "Connect anew and submit again; a scheduler that restarts keeps nothing unless it journals.",
  },
  FLOCK_CLOSED: { summary: "The client was closed.", advice: "Await what you need before close()." },
  FLOCK_RELEASED: { summary: "The future was released.", advice: "Ask for the result before release()." },
  FLOCK_FUTURE_AWAITED: {
    summary: "A warning: a future was awaited, which gives the future itself and not its result.",
    advice:
      "Write `await future.result()`. If an async function hands futures on, nothing is wrong: `node --disable-warning=FLOCK_FUTURE_AWAITED` silences the warning.",
  },
  FLOCK_SUBMISSIONS_WAIT: {
    summary:
      "A warning: the scheduler has as many unfinished tasks of this client as it takes, and more of them wait in the client's process.",
    advice: "Write `await client.drained()` in the loop that submits, every thousand tasks or so.",
  },
  FLOCK_CALL_FORGOTTEN: {
    summary: "The arguments of a task's call are not kept any more, so it cannot be run again here.",
    advice:
      "They are kept for the tasks that failed last, as long as a client has their futures: run the task again, and then rerunHere().",
  },
  FLOCK_CANCELLED: {
    summary: "The task was cancelled.",
    advice: "Whoever called cancel() wanted that; submit it again if not.",
  },
  FLOCK_DEPENDENCY_FAILED: {
    summary: "A task this one depends on failed or was cancelled.",
    advice: "See the error's cause for the first failure.",
  },
  FLOCK_TIMEOUT: {
    summary: "An attempt ran longer than timeoutMs.",
    advice: "Raise timeoutMs, or make the task smaller.",
  },
  FLOCK_DEADLINE_EXCEEDED: {
    summary: "A task had not ended within deadlineMs of its submission.",
    advice: "The message says how far it was; raise deadlineMs, add workers, or give it a higher priority.",
  },
  FLOCK_NO_WORKER_TIMEOUT: {
    summary: "For noWorkerTimeoutMs no worker was there that could ever run the task.",
    advice: "Start a worker that meets the requirement that the message names, ask for less, or wait longer.",
  },
  FLOCK_WAIT_TIMEOUT: {
    summary: "What was waited for did not happen in time.",
    advice: "Wait longer, or see why: client.why(future).",
  },
  FLOCK_KILLED_WORKER: {
    summary: "The task was running on several workers when they died.",
    advice: "It probably exhausts memory or crashes the process; see how the workers died, or raise allowedFailures.",
  },
  FLOCK_SHARED_DELETED: {
    summary: "A queue, lock, semaphore, event or variable was deleted while something waited for it.",
    advice: "Somebody called delete() on it; waiting again makes it anew.",
  },
  FLOCK_SHARED_CONFLICT: {
    summary: "A queue or semaphore of this name is in use with another limit.",
    advice: "Use the same maxSize or leases everywhere, or another name.",
  },
  FLOCK_SHARED_FULL: {
    summary: "Queues, variables and events, or published data, hold as much as the scheduler keeps for them.",
    advice:
      "Take elements out, give the queue a maxSize, unpublish or delete what is over, or scatter the data and give its future.",
  },
  FLOCK_WAITS_FULL: {
    summary: "So many questions of one client wait for something to happen that no further one is taken.",
    advice: "Wait for fewer workers and events at a time, or by several clients.",
  },
  FLOCK_NOT_IN_TASK: {
    summary: "taskContext() or taskClient() was called by code that is not part of a running task.",
    advice: "Call it from a function that was submitted, while it runs.",
  },
  FLOCK_TASK_EXITED: {
    summary: "The task's code ended its slot (process.exit, abort).",
    advice: "Return or throw instead.",
  },
  FLOCK_TASK_YIELDED: {
    summary: "A task gave up its place because its worker retires; it is begun again on another worker.",
    advice: "Throw it only while `taskContext().retiring` is aborted: elsewhere it fails the task.",
  },
  FLOCK_TASK_OUT_OF_MEMORY: {
    summary: "The task filled the JavaScript heap of its slot.",
    advice: "Use less memory, typed arrays, or raise --heap-limit on the worker.",
  },
  FLOCK_DATA_LOST: {
    summary:
      "Data that was sent to the cluster was lost with the worker that held it: it was scattered, or a large argument whose client could not send it again.",
    advice:
      "Scatter it again, with { broadcast: true } it survives the loss of a worker; or submit the task again, and raise `keptArgumentBytes` of the client.",
  },
  FLOCK_DATASET_UNKNOWN: {
    summary: "No data is published under the name.",
    advice: "client.datasets() lists what there is.",
  },
  FLOCK_DATASET_EXISTS: {
    summary: "Data is published under the name already.",
    advice: "Give another name, unpublish it first, or publish with { override: true }.",
  },
  FLOCK_ACTOR_LOST: {
    summary: "An actor is gone, with its state: its worker died or was retired, or its own thread or process ended.",
    advice:
      "Create it anew, from what you keep elsewhere. Calls that had no result may have run or not; none runs twice.",
  },
  FLOCK_KEY_CONFLICT: {
    summary: "A key is already used for other code or other arguments.",
    advice: "Give another key, or release the first.",
  },
  FLOCK_OPTION_INVALID: {
    summary: "An option is unknown or has a wrong value.",
    advice: "See the message for the name and what it takes.",
  },
  FLOCK_ARGUMENT_INVALID: {
    summary: "An argument of a call is not what the method takes, or is a future of another client.",
    advice: "See the message for the argument and what it takes.",
  },
  FLOCK_ARGUMENT_MUTATED: {
    summary: "A task changed an argument, which is shared and read-only.",
    advice: "Work on copy(argument).",
  },
  FLOCK_NOT_SERIALIZABLE: {
    summary: "A value cannot travel.",
    advice:
      "The message names the path; pass and return plain data, typed arrays, or instances of a class that both ends register (docs/functions.md).",
  },
  FLOCK_VALUE_MALFORMED: {
    summary: "Bytes are not an encoded value.",
    advice: "Both ends must be of the same version; otherwise please report this.",
  },
  FLOCK_FUNCTION_NOT_SERIALIZABLE: {
    summary: "A function cannot travel to a worker, or its code does not run there.",
    advice:
      "The message names what it uses that stands in the way: a variable, an import, a file, and what to do instead.",
  },
  FLOCK_FUNCTION_NOT_FOUND: {
    summary:
      "A worker does not have, or cannot load, a package, an export or a module of Node that a task's function imports.",
    advice:
      "Install the package on the workers, with what it needs itself (one with native code must be there, as it cannot be sent along), and run them with the client's version of Node.",
  },
  FLOCK_PACKAGE_MISMATCH: {
    summary:
      "A worker has another version or build of a package that a task's function imports, and the client's was not sent along, or could not be, as it has native code.",
    advice: "Install the client's version on the workers; the message names it.",
  },
  FLOCK_NO_WORKER: {
    summary: "No worker can run the task.",
    advice: "Start a worker that meets what the message names.",
  },
  FLOCK_WORKER_LOST: {
    summary: "A worker left, or died, before a call that was meant for it alone had ended.",
    advice: "Call again for the workers that are there now; if it died, see its log for why.",
  },
  FLOCK_WORKERS_FAILED: {
    summary: "A function that ran on every worker failed on some of them.",
    advice:
      "The message names the workers; `error.errors` has what each failed with, and `error.results` what the others returned.",
  },
  FLOCK_ENVIRONMENT_MISMATCH: {
    summary: "Client, scheduler and workers run different versions of Node, of Taskflock or of packages.",
    advice: "Install the same versions; client.versions() lists what each has.",
  },
  FLOCK_COMMAND_FAILED: {
    summary:
      "A command ended with another exit code than 0, by a signal, or without a file that it was to leave; or its files could not be written or read.",
    advice:
      "See the error's `exitCode`, `signal`, `stdout` and `stderr`; pass `check: false` to get such an end as a result.",
  },
  FLOCK_COMMAND_NOT_FOUND: {
    summary: "A worker cannot start a command: the program or its folder is not there, or must not be executed.",
    advice: "Install it on the workers, or name it by a path; the message has the PATH that was looked at.",
  },
  FLOCK_PROFILE: {
    summary: "A worker's slots could not be profiled.",
    advice: "The message says why: another client takes a profile there, or the worker left meanwhile. Try again.",
  },
  FLOCK_RUN_UNKNOWN: {
    summary: "No detached run has this name.",
    advice:
      "The message names those there are. A run is kept only when it was opened with { detached: true }, and no longer than its keepMs.",
  },
  FLOCK_WORKER_UNKNOWN: { summary: "No worker has this name.", advice: "client.workers() lists them." },
  FLOCK_NO_NANNY: {
    summary: "The worker cannot be restarted: nobody would start it again.",
    advice: "Start workers without --no-nanny, or restart this one where it was started.",
  },
  FLOCK_TASK_UNKNOWN: {
    summary: "The scheduler does not know this task.",
    advice: "It was released, or belongs to another session.",
  },
  FLOCK_TRANSFER_FAILED: {
    summary: "A result could not be fetched from any holder.",
    advice: "Check that the workers' peer ports can be reached.",
  },
  FLOCK_TOO_LARGE: {
    summary: "A value is larger than the cluster can hold.",
    advice: "Split it, or raise --memory-limit on the workers.",
  },
  FLOCK_OUT_OF_MEMORY: {
    summary: "The worker's memory for results is full, and it may not use the disk for them, or cannot.",
    advice: "Release futures, add workers, raise --memory-limit, or pass --spill-directory.",
  },
  FLOCK_DISK_FULL: {
    summary:
      "A result found no room in the worker's memory and could not be written to its disk, which is full or fails.",
    advice:
      "Free disk space, pass --spill-directory with a folder on another disk, raise --memory-limit, or release futures.",
  },
  FLOCK_PORT_IN_USE: {
    summary: "The port is already in use.",
    advice: "Stop what uses it, or choose another with --port.",
  },
  FLOCK_INSECURE: {
    summary: "An address beyond loopback needs TLS.",
    advice:
      "Make certificates with `taskflock certs init`, and pass --tls-cert and --tls-key; or --insecure, to accept plain text on a network you trust.",
  },
  FLOCK_TLS_REQUIRED: {
    summary: "The port speaks TLS, and who connected spoke plain text.",
    advice:
      "Pass the cluster's CA: --tls-ca, TASKFLOCK_TLS_CA, or the client's option `tls: { caFile }`. Where a public CA signed the certificate, write the address as wss://.",
  },
  FLOCK_TLS_NOT_SPOKEN: {
    summary: "Who connected spoke TLS, and the port speaks plain text.",
    advice: "Start the scheduler with --tls-cert and --tls-key; or connect without a CA and without wss://.",
  },
  FLOCK_CERTIFICATE_UNTRUSTED: {
    summary: "No CA that is trusted here signed the certificate.",
    advice: "Pass the CA that did: --tls-ca, TASKFLOCK_TLS_CA, or the client's option `tls: { caFile }`.",
  },
  FLOCK_CERTIFICATE_EXPIRED: {
    summary: "The certificate is not valid any more, or not yet.",
    advice:
      "`taskflock certs show` says until when it is, `taskflock certs renew` makes a new one; check the clocks, too.",
  },
  FLOCK_CERTIFICATE_NAME: {
    summary: "The certificate is for another host.",
    advice: "Connect by a name that it is for, or make one that is for this name: `taskflock certs init --host NAME`.",
  },
  FLOCK_CERTIFICATE_KEY: {
    summary: "The private key does not fit the certificate.",
    advice: "Give the two files that were made together.",
  },
  FLOCK_CERTIFICATE_FILE: {
    summary: "A file of TLS is missing, or holds something else.",
    advice: "`taskflock certs init` makes the files; --tls-cert, --tls-key and --tls-ca name them.",
  },
  FLOCK_CERTS_EXIST: {
    summary: "The folder holds certificates already, and a new authority would cut off whoever trusts the old one.",
    advice: "Renew them: `taskflock certs renew`; name another folder; or say --force.",
  },
  FLOCK_CERTS_MISSING: {
    summary: "There are no certificates, or not the key that signs new ones.",
    advice: "Make them with `taskflock certs init`, or renew where they were made.",
  },
  FLOCK_CERTS_UNREADABLE: {
    summary: "A file of certificates or keys cannot be read or written, or holds something else.",
    advice: "See the message for the file; keys are readable for their owner alone.",
  },
  FLOCK_GPU_UNAVAILABLE: {
    summary: "A worker is to give out more GPUs than there are.",
    advice: "Ask for as many as the message names, or for --gpus auto; `taskflock gpu` says what is missing.",
  },
  FLOCK_CLUSTER_START: { summary: "A cluster's process did not start.", advice: "See the output in the message." },
  FLOCK_SLURM_MISSING: {
    summary: "Slurm's programs (sbatch, squeue, scancel) are not on this machine, or not in PATH.",
    advice: "Start the SlurmCluster on a login node, or load Slurm's module first.",
  },
  FLOCK_SLURM_REFUSED: {
    summary: "Slurm did not take the workers' job.",
    advice: "The message has Slurm's own words: mend partition, account, walltime or directives.",
  },
  FLOCK_SLURM_PENDING: {
    summary: "Workers wait in Slurm's queue for longer than was allowed.",
    advice: "The message has the reason: ask for less, choose another partition, or wait longer (startTimeoutMs).",
  },
  FLOCK_SLURM_FAILED: {
    summary: "Slurm could not be asked about jobs, or did not end them.",
    advice: "The message has Slurm's own words; see whether its controller runs (scontrol ping).",
  },
  FLOCK_DOCKER_MISSING: {
    summary: "Docker's program is not on this machine, or not in PATH.",
    advice: "Install Docker (docs.docker.com/engine/install), or name another program by --docker.",
  },
  FLOCK_DOCKER_UNREACHABLE: {
    summary: "Docker's daemon does not answer, or does not let this user in.",
    advice: "Start it; on Linux the user must be in the group docker; DOCKER_HOST names one elsewhere.",
  },
  FLOCK_IMAGE_BUILD: {
    summary: "An image could not be built.",
    advice: "Docker's own words stand above the message; docs/docker.md says what a build needs.",
  },
  FLOCK_IMAGE_UNKNOWN: {
    summary: "There is no such image on this machine.",
    advice: "Build it first: taskflock image build.",
  },
  FLOCK_IMAGE_PUSH: {
    summary: "A registry did not take an image: the log-in was refused, or it broke off.",
    advice: "The message has Docker's words; for registries other than ECR, `docker login` first.",
  },
  FLOCK_AWS_SDK: {
    summary: "A command for AWS needs a client of the AWS SDK, which is not installed or cannot be loaded.",
    advice: "npm install the package that the message names.",
  },
  FLOCK_AWS_CREDENTIALS: {
    summary: "AWS credentials were not found, are wrong, or have expired.",
    advice: "`aws sts get-caller-identity` says which are found; AWS_PROFILE chooses others.",
  },
  FLOCK_AWS_REGION: { summary: "No AWS region is given.", advice: "Pass --region, or set AWS_REGION." },
  FLOCK_AWS_DENIED: {
    summary: "The AWS credentials may not do what was asked.",
    advice: "The message has what, and AWS's words; let the account's administrator allow it.",
  },
  FLOCK_AWS_FAILED: {
    summary: "AWS refused, or could not be reached.",
    advice: "The message has AWS's words; docs/troubleshooting.md knows the usual ones.",
  },
  FLOCK_SSH_MISSING: {
    summary: "There is no ssh on this machine, or it is not in PATH.",
    advice: "Install OpenSSH's client.",
  },
  FLOCK_SSH_UNREACHABLE: {
    summary: "A host of an SshCluster cannot be reached.",
    advice: "The message has ssh's own words; `ssh HOST` by hand must work.",
  },
  FLOCK_SSH_REFUSED: {
    summary: "A host of an SshCluster did not take the key, or is not known.",
    advice: "Let `ssh HOST` work without a password and without a question: ssh-copy-id, ssh-agent, known_hosts.",
  },
  FLOCK_SSH_COMMAND: {
    summary: "A host of an SshCluster has no Node or no taskflock where it was looked for.",
    advice: "Install it there, or say by command, directory and prologue how it is started.",
  },
  FLOCK_AWS_UNKNOWN_CLUSTER: {
    summary: "No cluster of this name was started from this machine, or it is not said which of several is meant.",
    advice: "Name it by --cluster; the message says which there are.",
  },
  FLOCK_AWS_NOT_READY: {
    summary: "A cluster on AWS is not complete: its scheduler does not answer, or workers have not joined in time.",
    advice: "The message says what to look at; `taskflock aws up` goes on from where it was.",
  },
  FLOCK_AWS_TOO_MANY: {
    summary: "A group of workers on AWS may not become so large.",
    advice: "Let it: taskflock aws up --set workersMax=N.",
  },
  FLOCK_AWS_COMMAND: {
    summary: "A command on a machine of the cluster failed, or the program that would run it is missing here.",
    advice: "The message has what it printed, and where to get the program.",
  },
  FLOCK_PROFILE_INVALID: {
    summary: "A profile for AWS cannot be read, or says what cannot be meant.",
    advice: "See the message; docs/deploy-aws.md lists the keys.",
  },
  FLOCK_TERRAFORM_MISSING: {
    summary: "Terraform is not on this machine, or too old.",
    advice: "Install it: https://developer.hashicorp.com/terraform/install",
  },
  FLOCK_TERRAFORM_FAILED: {
    summary: "Terraform did not do what was asked.",
    advice: "The message has Terraform's own words; docs/troubleshooting.md knows the usual ones.",
  },
  FLOCK_RECORDING_INVALID: {
    summary: "A recording cannot be replayed.",
    advice: "Replay with the version that recorded it.",
  },
  FLOCK_INVARIANT: {
    summary: "A state machine found itself in a state that must not be.",
    advice: "Please report it with the story in the message.",
  },
  FLOCK_INTERNAL: { summary: "A defect in Taskflock.", advice: "Please report it with the message." },
  FLOCK_PRELOAD_FAILED: {
    summary: "A module that is to be loaded before anything else (--preload) could not be loaded, or its setup failed.",
    advice: "See the message. Paths are read from the folder in which the process was started.",
  },
  FLOCK_PLUGIN_FAILED: {
    summary: "The setup of a plugin failed on a worker, so that the plugin was not kept.",
    advice: "The message says on which, the cause is what setup threw. Mend it, and register it again.",
  },
  FLOCK_PLUGIN_EXISTS: {
    summary: "A plugin is registered under the name already.",
    advice: "Give another name, unregister it first, or register with { override: true }.",
  },
  FLOCK_PLUGIN_UNKNOWN: {
    summary: "No plugin is registered under the name.",
    advice: "client.plugins() lists what there is.",
  },
  FLOCK_FILE_FAILED: {
    summary: "An uploaded file could not be written on a worker, so that it was not kept.",
    advice:
      "See the message for the worker and its reason, such as a full disk (--spill-directory says where it writes).",
  },
  FLOCK_FILE_UNKNOWN: {
    summary: "No file was uploaded under the name.",
    advice: "The message names those that there are; client.uploadFile brings files to all workers.",
  },
  FLOCK_FILES_FULL: {
    summary: "Uploaded files take as much room as the scheduler has for them.",
    advice: "Remove some (client.removeFile), scatter large data instead, or put it on a disk that all workers see.",
  },
  FLOCK_GROUP_BROKEN: {
    summary:
      "A member of a group of tasks failed, was cancelled, left, or lost its worker: the others cannot go on with it.",
    advice:
      "The message names the member. Form the group anew, with the next epoch; what the others have computed is theirs.",
  },
  FLOCK_GROUP_UNREACHABLE: {
    summary: "Two members of a group of tasks run on workers that cannot connect to each other.",
    advice: "Give workers an address at which the others reach them (--host, --advertise); groups are not relayed.",
  },
  // model selection
  FLOCK_ML_ESTIMATOR: {
    summary: "What was given as an estimator cannot be used as one.",
    advice: "See the message for what it lacks; docs/estimators.md says how to write one, as an object or as a class.",
  },
  FLOCK_ML_INPUT: {
    summary: "X or y cannot be used: wrong shape, length, or not finite.",
    advice: "See the message for what and where.",
  },
  FLOCK_ML_PARAMETER: {
    summary: "A parameter is unknown or has a wrong value.",
    advice: "See the message for the names the estimator takes.",
  },
  FLOCK_ML_SCORER: { summary: "A scorer is unknown or returned no number.", advice: "See the message for the names." },
  FLOCK_ML_SPLIT: {
    summary: "The data cannot be split as asked.",
    advice: "Use fewer folds, or more rows of the class.",
  },
  FLOCK_ML_FIT: {
    summary: 'A fit failed, and errorScore is "raise".',
    advice: "See the cause, or use errorScore: NaN.",
  },
  FLOCK_TRAINING_MODEL: {
    summary:
      "A model cannot be trained: it is no LayersModel, is not compiled, or has a shape that trainings do not take.",
    advice: "See the message for what it lacks.",
  },
  FLOCK_LOSS_NOT_FINITE: {
    summary: "The loss of a training became NaN or infinite, so the training stopped.",
    advice: "Lower the learning rate, and look for values in the data that are not finite.",
  },
  FLOCK_TRAINING_OVER: {
    summary: "A training that has ended was asked for something that only a running one can do.",
    advice: "Its last state is `checkpoint` of its result.",
  },
  FLOCK_CHECKPOINT_INVALID: {
    summary: "A checkpoint is damaged, cut, foreign, or of another model.",
    advice: "See the message for what is wrong; take an older checkpoint, or the model that it was made with.",
  },
  FLOCK_ML_NOT_FITTED: { summary: "There is no fitted estimator.", advice: "Search with refit on." },
  // storage and tables
  FLOCK_STORAGE_ADDRESS: {
    summary: "An address is no storage, or a name is no name of a file in it.",
    advice:
      "Write a folder's path, file:///path, https://server/path or s3://bucket/prefix; names are relative and have no `..`.",
  },
  FLOCK_STORAGE_NOT_FOUND: {
    summary: "A file, folder or bucket does not exist.",
    advice: "Check the address and the name, which the message has.",
  },
  FLOCK_STORAGE_DENIED: {
    summary: "Access to a file or bucket is denied.",
    advice: "Check permissions, and for S3 the credentials and the bucket's policy.",
  },
  FLOCK_STORAGE_FULL: {
    summary: "A file could not be written: there is no room, or a quota is used up.",
    advice: "Free space, raise the quota, or write elsewhere.",
  },
  FLOCK_STORAGE_UNREACHABLE: {
    summary: "A web server or S3 did not answer, or broke off, as often as it was tried.",
    advice:
      "Check the address, the network and the server; raise `retries` or `timeoutMs` for networks that are often down.",
  },
  FLOCK_STORAGE_UNSUPPORTED: {
    summary: "The storage cannot do this: files of a web server are only read, each by its name.",
    advice: "Use a folder or s3://bucket/prefix.",
  },
  FLOCK_STORAGE_SDK: {
    summary: "An s3:// address was used, and the AWS SDK is not installed or cannot be loaded.",
    advice: "npm install @aws-sdk/client-s3, on the workers, too, when tasks read or write there.",
  },
  FLOCK_STORAGE_FAILED: {
    summary: "A file could not be read or written, for a reason that has no code of its own.",
    advice: "See the message and the error's cause.",
  },
  FLOCK_TABLE_FORMAT: {
    summary: "A file is not the CSV or Parquet that it was read as, or is damaged.",
    advice: "The message names the file, and of CSV the line; check delimiter, quotes and header, or pass badRows.",
  },
  FLOCK_TABLE_COLUMN: {
    summary: "A file lacks a column that was asked for.",
    advice: "The message lists the columns that it has.",
  },
  FLOCK_TABLE_TYPE: {
    summary: "A value of a table is not of its column's type.",
    advice: "The message names file, line and column; declare another type, or pass badRows.",
  },
  FLOCK_TENSORFLOW_UNSUPPORTED: {
    summary: "There is no native TensorFlow for this system or processor.",
    advice:
      "Nothing needs to be done: the WebAssembly backend is used, when its package is installed (docs/tensors.md).",
  },
  FLOCK_TENSORFLOW_NEEDS: {
    summary: "A program, or disk, is missing that `taskflock tensorflow install` needs.",
    advice: "The message lists all that is missing, and how to get it.",
  },
  FLOCK_TENSORFLOW_DOWNLOAD: {
    summary: "pip or npm could not download what native TensorFlow is made of.",
    advice: "The message has what they said; their own settings hold: proxy, index-url, registry.",
  },
  FLOCK_TENSORFLOW_INSTALL: {
    summary:
      "Native TensorFlow could not be built, does not compute, or its installation was ended; nothing was changed.",
    advice: "See the message; another version of TensorFlow can be asked for by --tensorflow.",
  },
  FLOCK_TENSOR_MISSING: {
    summary: "TensorFlow.js is not installed where the program or the worker looks for it.",
    advice: "Install it: `npm install @tensorflow/tfjs`, in the project and on every worker that trains.",
  },
  FLOCK_TENSOR_BACKEND: {
    summary: "The tensor backend that was asked for is unknown, does not work here, or another is loaded already.",
    advice:
      "The message says why. Mend that, or leave TASKFLOCK_TENSOR_BACKEND out: then the best that works is taken.",
  },
  FLOCK_TENSOR_CPU: {
    summary: "A warning: tensors are computed by plain JavaScript, 100 times slower than any other way.",
    advice:
      "`npm install @tensorflow/tfjs-backend-wasm` is enough to have a faster one; the message says what else was tried.",
  },
} as const;

export type ErrorCode = keyof typeof errorRegistry;

/** What a code means and what to do about it. */
export function explain(code: ErrorCode): ErrorEntry {
  return errorRegistry[code];
}

/** An error with a stable code. The message says what happened to what, and what to do about it. */
export class FlockError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "FlockError";
    this.code = code;
  }
}

/** True when `value` is a `FlockError`, of the given code if one is given; also across copies of this package. */
export function isFlockError(value: unknown, code?: ErrorCode): value is FlockError {
  return (
    value instanceof Error &&
    value.name === "FlockError" &&
    "code" in value &&
    (code === undefined ? typeof value.code === "string" : value.code === code)
  );
}
