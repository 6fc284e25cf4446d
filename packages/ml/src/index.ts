// Estimators, model selection and metrics. What of this package runs on workers is exported here: it travels by name.

export {
  type DataShape,
  type Estimator,
  type EstimatorClass,
  type EstimatorInput,
  type EstimatorInstance,
  type EstimatorKind,
  estimator,
  type FitContext,
  type SharedStep,
} from "./estimator.ts";
export type { ClassWeight } from "./estimators/class-weight.ts";
export { type DummyModel, type DummyParams, dummyClassifier, fitDummy, predictDummy } from "./estimators/dummy.ts";
export {
  fitKNeighbors,
  type KNeighborsModel,
  type KNeighborsParams,
  kNeighborsClassifier,
  predictKNeighbors,
} from "./estimators/k-neighbors.ts";
export {
  fitLogisticRegression,
  type LogisticRegressionModel,
  type LogisticRegressionParams,
  logisticRegression,
  predictLogisticRegression,
} from "./estimators/logistic-regression.ts";
export type { Executor, Handle, KeptBytes, RunScope, Settled, SubmitOptions } from "./executor.ts";
export { FittedEstimator, fitEstimator } from "./fitted.ts";
export { type FormatOptions, formatResults } from "./format-results.ts";
export { InlineExecutor, type InlineExecutorOptions } from "./inline-executor.ts";
export {
  checkedFeatures,
  describeFeatures,
  type FeaturesDescription,
  type FeaturesInput,
  type LabelsInput,
} from "./inputs.ts";
export { balancedWeights, labelWeights } from "./label-weights.ts";
export { type Labels, takeLabels } from "./labels.ts";
export { type Digits, loadDigits } from "./load-digits.ts";
export { type CsrMatrix, type Features, type Matrix, matrix, takeRows, toDense } from "./matrix.ts";
export type { LabelAverage } from "./metrics/averages.ts";
export type { ClusterScores } from "./metrics/clusters.ts";
export {
  createMetric,
  type Metric,
  type MetricName,
  type MetricOptions,
  metricNames,
} from "./metrics/create-metric.ts";
export type { MetricState } from "./metrics/definitions.ts";
export type { Targets } from "./metrics/label-counts.ts";
export {
  type Average,
  type AverageOptions,
  accuracyScore,
  balancedAccuracyScore,
  confusionMatrix,
  f1Score,
  hammingLoss,
  precisionScore,
  recallScore,
  vMeasureScores,
} from "./metrics/label-scores.ts";
export type { MetricInput, TensorLike } from "./metrics/pairs.ts";
export { averagePrecisionScore, logLoss, rocAucScore, type ScoreOptions } from "./metrics/probability-scores.ts";
export { meanSquaredError, r2Score } from "./metrics/regression-scores.ts";
export {
  type ClassificationReport,
  classificationReport,
  formatClassificationReport,
  type ReportOptions,
  type ReportRow,
} from "./metrics/report.ts";
export {
  createTableMetric,
  type LabelConfusion,
  multilabelConfusionMatrix,
  type TableMetrics,
} from "./metrics/tables.ts";
export {
  type FormatThresholdOptions,
  formatThresholdTable,
  type ThresholdOptions,
  type ThresholdRow,
  type ThresholdScores,
  type ThresholdTable,
  thresholdTable,
} from "./metrics/threshold-table.ts";
export { modelSummary, type SummaryModel } from "./model-summary.ts";
export { dotProducts, squaredDistances } from "./pair-matrices.ts";
export {
  f1,
  f1Macro,
  f1Micro,
  f1Weighted,
  negMeanSquaredError,
  precision,
  precisionMacro,
  precisionMicro,
  precisionWeighted,
  recall,
  recallMacro,
  recallMicro,
  recallWeighted,
  type ScoreNames,
  type Scorer,
  type ScorerName,
  type Scoring,
  scorerNames,
} from "./scorers.ts";
export type { GridSearchOptions, RandomSearchOptions, SearchOptions } from "./search/compile.ts";
export type {
  HalvingSearchOptions,
  HyperbandSearchOptions,
  ResourceOptions,
} from "./search/compile-halving.ts";
export type { CvResults, FoldScores } from "./search/cv-results.ts";
export {
  choice,
  type Distribution,
  logUniform,
  type ParameterSpace,
  randInt,
  uniform,
} from "./search/distributions.ts";
export type { HalvingResult, HalvingTable } from "./search/fold-trials.ts";
export { gridSearch, randomSearch } from "./search/grid-search.ts";
export { type HalvingSearch, halvingSearch, hyperbandSearch } from "./search/halving-search.ts";
export type { ParameterGrid } from "./search/parameter-grid.ts";
export type { Promotion } from "./search/promotion.ts";
export {
  type Bracket,
  type HalvingPlan,
  type HyperbandPlan,
  halvingSchedule,
  hyperbandBrackets,
  type Rung,
} from "./search/schedules.ts";
export { type FoldEvent, type Search, SearchResult, type SearchStatus } from "./search/search.ts";
export { type FitJob, type FoldJob, fitAndScore, refit, runSharedStep } from "./search/tasks.ts";
export type { TrialColumns, TrialEvent, TrialSearch, TrialSearchResult, TrialStep } from "./search/trials.ts";
export {
  type CrossValidation,
  type CustomSplit,
  type FoldOptions,
  kFold,
  type Split,
  type Splitter,
  stratifiedKFold,
} from "./splits.ts";
export { openStorage } from "./storage/open-storage.ts";
export type { ByteRange, S3Options, Storage, StorageOptions, StoredFile } from "./storage/storage.ts";
export { type Kernel, polyGram, rbfGram } from "./svm/kernels.ts";
export type { SvcModel, SvcParams } from "./svm/model.ts";
export { predictSvc, svcDecisions } from "./svm/predict.ts";
export { svc } from "./svm/svc.ts";
export { fitSvc } from "./svm/train.ts";
export { parquetInfo, readCsv, readParquet } from "./tables/read.ts";
export type { Table } from "./tables/table.ts";
export type {
  AnyRow,
  Columns,
  CsvOptions,
  CsvType,
  ParquetColumn,
  ParquetFileInfo,
  ParquetInfo,
  ParquetOptions,
  ReadOptions,
  TableSource,
} from "./tables/types.ts";
export type { MatrixMode } from "./text/bag-of-words.ts";
export {
  type BagOfWordsOptions,
  type BagOfWordsTagger,
  fitBagOfWords,
  predictBagOfWords,
} from "./text/bag-of-words-tagger.ts";
export { type IntTensor, type PadOptions, padSequences } from "./text/pad-sequences.ts";
export { type BitTensor, TagIndex, type TagIndexJson, type TagIndexOptions, tagIndex } from "./text/tags.ts";
export { type Text, Tokenizer, type TokenizerOptions } from "./text/tokenizer.ts";
export type { TokenizerJson } from "./text/tokenizer-json.ts";
export { trimToMultiple } from "./text/trim.ts";
export { textToWords, type WordRules } from "./text/words.ts";
export { type TrainTestOptions, type TrainTestSplit, trainTestSplit } from "./train-test-split.ts";
export {
  type AnyMode,
  type CsvLoggerOptions,
  csvLogger,
  type EarlyStoppingOptions,
  earlyStopping,
  learningRateScheduler,
  type ModelCheckpointOptions,
  modelCheckpoint,
  type ReduceLROnPlateauOptions,
  reduceLROnPlateau,
  type TensorBoardOptions,
  tensorBoard,
} from "./training/callbacks/index.ts";
export type { JoinGroup, MemberGroup } from "./training/member-group.ts";
export { openModel, saveModel } from "./training/model-files.ts";
export type { TrainingData, TrainOptions, TrainTaskOptions } from "./training/run/compile-training.ts";
export type { CheckpointInfo } from "./training/run/report.ts";
export type { ArrayInput, NestedNumbers, SetInput } from "./training/run/tensor-input.ts";
export { type PredictOptions, TrainedModel } from "./training/run/trained-model.ts";
export { type TrainingResult, type TrainingRun, train } from "./training/run/training-run.ts";
export type {
  TrainingGridOptions,
  TrainingHalvingOptions,
  TrainingHyperbandOptions,
  TrainingRandomOptions,
  TrainingSearchOptions,
} from "./training/search/compile-training-search.ts";
export type { TrainingSearch } from "./training/search/training-search.ts";
export {
  type SearchedParams,
  type TrainingParams,
  type TrainingSpec,
  type TrainingSpecOptions,
  training,
} from "./training/search/training-spec.ts";
export type { TrainingSearchResult, TrainingTable, TrainingTrialEvent } from "./training/search/training-trials.ts";
export type {
  BuiltInCallback,
  Callback,
  CallbackContext,
  CallbackHooks,
  Epoch,
  EpochLogs,
  ModelArtifact,
  ModelBuilder,
  MonitorMode,
  Tensor,
  TrainingFiles,
} from "./training/types.ts";
