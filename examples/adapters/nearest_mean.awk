#!/usr/bin/awk -f
# A model outside Python, which answers by the distances to the means of the classes:
#   nearest_mean.awk answers=FILE TRAIN.csv QUERY.csv
BEGIN { FS = ","; OFMT = CONVFMT = "%.9g" }
{ gsub(/"/, "") }
FNR == 1 { file++; next }
file == 1 { n[$2]++; for (i = 3; i <= NF; i++) sum[$2, i] += $i; next }
!head++ { line = "record"; for (c in n) line = line ",p_" c; print line > answers }
{
    total = 0
    for (c in n) {
        far = 1e-9
        for (i = 2; i <= NF; i++) far += ($i - sum[c, i + 1] / n[c]) ^ 2
        total += near[c] = 1 / far
    }
    line = $1
    for (c in n) line = line "," near[c] / total
    print line > answers
}
