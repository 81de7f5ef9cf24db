import { serveTerabyte } from './terabyte';

serveTerabyte();
