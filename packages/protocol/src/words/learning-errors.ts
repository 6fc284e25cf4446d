// Codes of learning: model selection, training, storage and tables, tensors. `errors.ts` has the others, and puts them together.

export const learningErrors = {
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
    advice: "Lower the learning rate, look for values in the data that are not finite, or clip gradients.",
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
  FLOCK_STORAGE_FAILED: {
    summary: "A file could not be read or written, for a reason that has no code of its own.",
    advice: "See the message and the error's cause.",
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
