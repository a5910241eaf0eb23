/* Products of matrices that repeat themselves. */
#include "plan/compose.h"

umbra_status umbra_sparse_compose(umbra_sparse **out, const umbra_sparse *a, const umbra_sparse *b)
{
    return umbra_sparse_multiply(out, a, b);
}
